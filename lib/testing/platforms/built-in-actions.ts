import {
  createAction,
  type EmulatorPlatformHandler,
  type PlatformAction,
} from './action.js';

/** A few actions of well-known platforms, with responses like theirs. */
export const BUILT_IN_ACTIONS: readonly PlatformAction[] = [
  action('gmail', 'List Labels', 'GET /gmail/v1/users/{{userId}}/labels', () =>
    json({ labels: [label('INBOX'), label('SENT'), label('Label_1', 'Work')] }),
  ),
  action(
    'gmail',
    'List Messages',
    'GET /gmail/v1/users/{{userId}}/messages',
    ({ query }) => {
      const start = Number(query.get('pageToken') ?? 0);
      const size = Number(query.get('maxResults') ?? 100);
      const end = start + size;
      return json({
        messages: MESSAGES.slice(start, end).map(({ id, threadId }) => ({
          id,
          threadId,
        })),
        ...(end < MESSAGES.length && { nextPageToken: `${end}` }),
        resultSizeEstimate: MESSAGES.length,
      });
    },
  ),
  action(
    'gmail',
    'Get Message',
    'GET /gmail/v1/users/{{userId}}/messages/{{id}}',
    ({ params }) => {
      const found = MESSAGES.find(({ id }) => id === params.id);
      return found
        ? json(found)
        : json(
            {
              error: {
                code: 404,
                message: 'Requested entity was not found.',
                status: 'NOT_FOUND',
              },
            },
            404,
          );
    },
  ),
  action(
    'gmail',
    'Send Message',
    'POST /gmail/v1/users/{{userId}}/messages/send',
    () => json({ id: 'msg-sent', threadId: 'thread-sent', labelIds: ['SENT'] }),
  ),
  action(
    'gmail',
    'Send Mail With Attachments',
    'POST /gmail/send-mail',
    async (request) => {
      const { to } = await request.json();
      return json({ id: 'msg-sent', to, status: 'sent' });
    },
    ['custom'],
  ),
  action('slack', 'List Channels', 'GET /conversations.list', () =>
    json({
      ok: true,
      channels: [
        { id: 'C01GENERAL', name: 'general', is_channel: true },
        { id: 'C02RANDOM', name: 'random', is_channel: true },
      ],
      response_metadata: { next_cursor: '' },
    }),
  ),
  action('slack', 'Post Message', 'POST /chat.postMessage', async (request) => {
    const { channel, text } = fieldsOf(await request.text());
    return channel
      ? json({ ok: true, channel, ts: '1767225600.000100', message: { text } })
      : // As the real one: errors have status 200.
        json({ ok: false, error: 'channel_not_found' });
  }),
  action('notion', 'Search Pages', 'POST /v1/search', () =>
    json({
      object: 'list',
      results: [page('page-1', 'Roadmap'), page('page-2', 'Meeting notes')],
      next_cursor: null,
      has_more: false,
    }),
  ),
  action('notion', 'Get Page', 'GET /v1/pages/{{page_id}}', ({ params }) =>
    json(page(params.page_id!, 'Roadmap')),
  ),
  action('hubspot', 'List Contacts', 'GET /crm/v3/objects/contacts', () =>
    json({ results: [contact('101', 'Ada'), contact('102', 'Grace')] }),
  ),
  action(
    'hubspot',
    'Get Contact',
    'GET /crm/v3/objects/contacts/{{contactId}}',
    ({ params }) => json(contact(params.contactId!, 'Ada')),
  ),
  action(
    'hubspot',
    'Create Contact',
    'POST /crm/v3/objects/contacts',
    async (request) => {
      const { properties = {} } = await request.json();
      return json({ ...contact('103', 'New'), properties }, 201);
    },
  ),
  action('github', 'List Repositories', 'GET /user/repos', () =>
    json([repository('ada', 'engine'), repository('ada', 'notes')]),
  ),
  action(
    'github',
    'Get Repository',
    'GET /repos/{{owner}}/{{repo}}',
    ({ params }) => json(repository(params.owner!, params.repo!)),
  ),
];

function action(
  platform: string,
  title: string,
  route: string,
  handle: EmulatorPlatformHandler,
  tags: readonly string[] = [],
): PlatformAction {
  const [method, path] = route.split(' ') as [string, string];
  return createAction(platform, method, path, handle, { title, tags });
}

const json = (body: unknown, status = 200) => ({ status, body });

const label = (id: string, name = id) => ({
  id,
  name,
  type: name === id ? 'system' : 'user',
});

const MESSAGES = Array.from({ length: 12 }, (_, index) => ({
  id: `msg-${index + 1}`,
  threadId: `thread-${index + 1}`,
  labelIds: ['INBOX'],
  snippet: `The text of message ${index + 1}`,
}));

const page = (id: string, title: string) => ({
  object: 'page',
  id,
  url: `https://www.notion.so/${id}`,
  properties: { title: { title: [{ plain_text: title }] } },
});

const contact = (id: string, firstname: string) => ({
  id,
  properties: {
    firstname,
    email: `${firstname.toLowerCase()}@example.com`,
  },
  archived: false,
});

const repository = (owner: string, name: string) => ({
  id: 1296269,
  name,
  full_name: `${owner}/${name}`,
  private: false,
  owner: { login: owner },
  html_url: `https://github.com/${owner}/${name}`,
});

/** Slack takes forms as well as JSON. */
function fieldsOf(text: string): Record<string, unknown> {
  return text.startsWith('{')
    ? JSON.parse(text)
    : Object.fromEntries(new URLSearchParams(text));
}
