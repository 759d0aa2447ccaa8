/**
 * Runs what the library assumes of the real services against them: `npm run test:contract`. It changes nothing there.
 *
 *   PICA_SECRET_KEY, ONE_SECRET_KEY          the keys; a service without one is skipped
 *   PICA_BASE_URL, ONE_BASE_URL              another address, such as an emulator's
 *   PICA_CONNECTION_KEY, ONE_CONNECTION_KEY  a test connection, for one GET of its platform through the service
 *   PICA_GET, ONE_GET                        that GET: `<action id> <path>`
 *
 * It prints statuses and names of fields, never a key or a value. Exits with 1 if a documented field is missing or
 * of another type. A field that no document has is told, and is no failure.
 */

const STRING = 'string';
const NULLABLE = ['string', 'null'];
const PAGE = {
  total: 'number',
  pages: 'number',
  page: 'number',
  rows: 'array',
};

/** The documented fields of each kind of row. A name with `?` may be missing. */
const FIELDS = {
  flags: {
    ...{ 'authkitWhitelist?': 'boolean', 'accessList?': 'array' },
    ...{ 'earlyAccess?': 'array', 'completedQuickstart?': 'boolean' },
  },
  integration: {
    ...{ id: ['string', 'number'], connectionDefId: ['string', 'number'] },
    ...{ type: STRING, title: STRING, image: STRING, environment: STRING },
    ...{ createdAt: STRING, tags: 'array', active: 'boolean' },
    ...{ useDefaultOauthCreds: 'boolean', 'activatedAt?': NULLABLE },
    ...{ 'secretId?': NULLABLE, 'clientSecretDisplay?': NULLABLE },
    ...{ 'clientIdDisplay?': NULLABLE, 'scopes?': NULLABLE },
    'guide?': NULLABLE,
  },
  connection: {
    ...{ id: STRING, key: STRING, platform: STRING, type: STRING },
    ...{ environment: STRING, state: STRING, tags: 'array', active: 'boolean' },
    ...{ 'platformVersion?': NULLABLE, 'name?': NULLABLE, 'title?': NULLABLE },
    ...{ 'identity?': NULLABLE, 'identityType?': NULLABLE },
    ...{ 'description?': NULLABLE, 'image?': NULLABLE, 'connector?': NULLABLE },
    ...{ 'version?': NULLABLE, 'createdAt?': NULLABLE },
  },
  action: {
    ...{ systemId: STRING, title: STRING, method: STRING, path: STRING },
    ...{ tags: 'array', 'key?': NULLABLE, 'modelName?': NULLABLE },
  },
};

const SERVICES = [
  {
    name: 'Pica',
    prefix: 'PICA',
    header: 'x-pica',
    baseUrl: 'https://api.picaos.com',
    tokenPath: '/v1/authkit',
    token: { ...PAGE, requestId: ['string', 'number', 'null'] },
  },
  {
    name: 'One',
    prefix: 'ONE',
    header: 'x-one',
    baseUrl: 'https://api.withone.ai',
    tokenPath: '/v1/authkit/token',
    token: {
      ...PAGE,
      requestId: ['string', 'number', 'null'],
      isWhiteLabel: 'boolean',
    },
  },
];

/** How long one call may take, in ms. */
const TIMEOUT_MS = 30_000;

const typeOf = (value) => {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
};

/** Compares an object with documented fields, and gives what differs. */
function differences(value, fields) {
  if (typeOf(value) !== 'object') return [`is ${typeOf(value)}, not an object`];
  const known = new Set();
  const found = [];
  for (const [given, types] of Object.entries(fields)) {
    const name = given.replace('?', '');
    known.add(name);
    const type = typeOf(value[name]);
    if (type === 'undefined' && given.endsWith('?')) continue;
    if (![types].flat().includes(type)) {
      found.push(`${name} is ${type}, not ${[types].flat().join(' or ')}`);
    }
  }
  const others = Object.keys(value).filter((name) => !known.has(name));
  if (others.length > 0) console.log(`  not documented: ${others.join(', ')}`);
  return found;
}

/** The differences of the rows of a list, each told once. */
const ofRows = (rows, fields) => {
  if (!Array.isArray(rows)) return ['rows is not an array'];
  if (rows.length === 0) console.log('  no row to compare');
  // The first one stands for all that it has beyond the documents.
  const [first, ...others] = rows;
  const all = rows.length > 0 ? differences(first, fields) : [];
  const silent = console.log;
  console.log = () => {};
  for (const row of others) all.push(...differences(row, fields));
  console.log = silent;
  return [...new Set(all)];
};

async function runService(service) {
  const { name, prefix, header, tokenPath } = service;
  const secretKey = process.env[`${prefix}_SECRET_KEY`];
  if (!secretKey) {
    console.log(`${name}: skipped: no key`);
    return true;
  }
  const baseUrl = process.env[`${prefix}_BASE_URL`] || service.baseUrl;
  let isKept = true;

  /** Makes one call, and compares its JSON by `compare`, which gives differences. */
  const step = async (title, path, { init, optional, compare }) => {
    let found;
    try {
      const response = await fetch(baseUrl + path, {
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...init,
        headers: { [`${header}-secret`]: secretKey, ...init?.headers },
      });
      if (response.status === 404 && optional) {
        await response.body?.cancel();
        console.log(`${name}: ${title}: skipped: 404, not there`);
        return undefined;
      }
      console.log(`${name}: ${title}: ${response.status}`);
      const text = await response.text();
      if (!response.ok) found = [`the status is ${response.status}`];
      else {
        const body = compare ? JSON.parse(text) : undefined;
        found = compare?.(body) ?? [];
        if (found.length === 0) return body;
      }
    } catch (error) {
      // Its message may name what was sent.
      const reason = error.cause?.code ?? error.name;
      console.log(`${name}: ${title}: no response (${reason})`);
      found = ['the service could not be asked, or its JSON not be read'];
    }
    isKept = false;
    for (const each of found) console.log(`  BROKEN: ${each}`);
    return undefined;
  };

  const list =
    (fields, page = PAGE) =>
    (body) => [...differences(body, page), ...ofRows(body.rows, fields)];
  await step('token', `${tokenPath}?limit=20&page=1`, {
    init: {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ identity: 'contract-test', identityType: 'user' }),
    },
    compare: list(FIELDS.integration, service.token),
  });
  if (prefix === 'PICA') {
    await step('flags', '/v1/users/flags', {
      compare: (body) => differences(body, FIELDS.flags),
    });
  }
  await step('connections', '/v1/vault/connections?limit=20&page=1', {
    compare: list(FIELDS.connection),
  });
  await step('actions', '/v1/available-actions/gmail?limit=20&page=1', {
    optional: true,
    compare: list(FIELDS.action),
  });
  const connectionKey = process.env[`${prefix}_CONNECTION_KEY`];
  const [action, path] = (process.env[`${prefix}_GET`] ?? '').split(' ');
  if (!connectionKey || !path) {
    console.log(`${name}: passthrough: skipped: no test connection`);
  } else {
    await step('passthrough', `/v1/passthrough/${path.replace(/^\//, '')}`, {
      optional: true,
      init: {
        headers: {
          [`${header}-connection-key`]: connectionKey,
          [`${header}-action-id`]: action,
        },
      },
    });
  }
  return isKept;
}

const kept = [];
for (const service of SERVICES) kept.push(await runService(service));
process.exitCode = kept.every(Boolean) ? 0 : 1;
