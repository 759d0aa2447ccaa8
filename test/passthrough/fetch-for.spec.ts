import { Client } from '@notionhq/client';
import { Octokit } from '@octokit/core';
import { useEmulator } from '../support/emulator.js';
import {
  ADA,
  createPassthrough,
  platformCalls,
} from '../support/passthrough.js';

const pica = useEmulator();
const GITHUB = { platform: 'github' };

describe('fetchFor()', () => {
  it('calls GitHub by @octokit/core', async () => {
    pica.connect('ada', 'github');
    const service = await createPassthrough(pica);
    const fetch = service.fetchFor(ADA, GITHUB, {
      baseUrl: 'https://api.github.com',
    });
    const octokit = new Octokit({ auth: 'ghp_of_the_app', request: { fetch } });
    const { data } = await octokit.request('GET /repos/{owner}/{repo}', {
      owner: 'ada',
      repo: 'engine',
    });
    expect(data.full_name).toBe('ada/engine');
    expect(platformCalls(pica).at(-1)!.headers.authorization).toBeUndefined();
  });

  it('calls Notion by @notionhq/client', async () => {
    pica.connect('ada', 'notion');
    const service = await createPassthrough(pica);
    const fetch = service.fetchFor(
      ADA,
      { platform: 'notion' },
      { baseUrl: 'https://api.notion.com/' },
    );
    const notion = new Client({ auth: 'unused', fetch: fetch as never });
    const { results } = await notion.search({ query: 'Roadmap' });
    expect(results).toHaveLength(2);
  });

  it('takes Request objects, with their body and method', async () => {
    pica.platform('github', 'POST', '/user/repos', async (request) => ({
      body: [
        request.method,
        await request.text(),
        request.headers['content-type'],
      ],
    }));
    pica.connect('ada', 'github');
    const service = await createPassthrough(pica);
    const fetch = service.fetchFor(ADA, GITHUB, {
      baseUrl: 'https://api.github.com',
    });
    const request = new Request('https://api.github.com/user/repos?a=1', {
      method: 'POST',
      body: '{"name":"x"}',
      headers: { 'content-type': 'application/json', cookie: 'a=1' },
    });
    expect(await (await fetch(request)).json()).toEqual([
      'POST',
      '{"name":"x"}',
      'application/json',
    ]);
    expect(platformCalls(pica).at(-1)!.query).toEqual({ a: '1' });
  });

  it.each([
    'http://api.github.com/user/repos',
    'https://api.github.com:8443/user/repos',
    'https://api.github.com.evil.example/user/repos',
    'https://api.github.com@evil.example/user/repos',
    'https://user:pass@api.github.com/user/repos',
    'https://evil.example/https://api.github.com/user/repos',
    'https://api.github.com/../user/repos/../../x?a#b',
    'https://api.github.com//evil.example/',
  ])('refuses %s, or keeps it below the base URL', async (url) => {
    pica.connect('ada', 'github');
    const service = await createPassthrough(pica);
    const fetch = service.fetchFor(ADA, GITHUB, {
      baseUrl: 'https://api.github.com',
    });
    await expect(fetch(url)).rejects.toMatchObject({
      reason: 'invalid_argument',
    });
    expect(platformCalls(pica)).toEqual([]);
  });

  it('refuses URLs beside the path of the base URL', async () => {
    const service = await createPassthrough(pica);
    const fetch = service.fetchFor(ADA, GITHUB, {
      baseUrl: 'https://slack.com/api',
    });
    for (const url of [
      'https://slack.com/apix',
      'https://slack.com/api/../x',
      'https://slack.com/',
    ]) {
      await expect(fetch(url)).rejects.toMatchObject({
        reason: 'invalid_argument',
      });
    }
  });
});
