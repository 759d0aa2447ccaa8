import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const markdownIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));

const PAGES = [
  'README.md',
  'SECURITY.md',
  'CHANGELOG.md',
  'sample/README.md',
  ...markdownIn('docs'),
  ...markdownIn('docs/decisions'),
  ...markdownIn('.github'),
  ...markdownIn('.changeset'),
];

/** The text of a page without its blocks of code. */
function proseOf(page: string): string {
  return readFileSync(page, 'utf8').replaceAll(/^```.*?^```$/gms, '');
}

/** The links of a page that lead to files of the repository, and to its own headings. */
function relativeLinksIn(page: string): string[] {
  const links = proseOf(page).matchAll(
    /\]\(([^()\s]+)\)|\b(?:src|href)="([^"]+)"/g,
  );
  return [...links]
    .map(([, link, source]) => (link ?? source)!)
    .filter((link) => !/^[a-z][a-z\d+.-]*:/i.test(link));
}

/** The anchors of the headings of a page, as GitHub makes them. */
function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading] of proseOf(page).matchAll(/^#{1,6} (.+)$/gm)) {
    const anchor = heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-');
    let unique = anchor;
    for (let n = 1; anchors.has(unique); n += 1) unique = `${anchor}-${n}`;
    anchors.add(unique);
  }
  return anchors;
}

/** What is wrong with a link; `undefined` where it leads somewhere. */
function faultOf(link: string, page: string): string | undefined {
  const [path = '', anchor] = link.split('#');
  const file = path === '' ? page : join(dirname(page), path);
  if (!existsSync(file)) return `${page}: ${link}: there is no such file`;
  if (anchor !== undefined && !anchorsOf(file).has(anchor)) {
    return `${page}: ${link}: there is no such heading`;
  }
  return undefined;
}

describe('the README, the guides and the pages of the repository', () => {
  const links = PAGES.flatMap((page) =>
    relativeLinksIn(page).map((link) => [link, page] as const),
  );

  it('link to files and headings that exist', () => {
    expect(links.length).toBeGreaterThan(40);
    expect(links.flatMap(([link, page]) => faultOf(link, page) ?? [])).toEqual(
      [],
    );
  });

  it('have a link to every guide in the README', () => {
    const ofReadme = relativeLinksIn('README.md').map(
      (link) => link.split('#')[0],
    );
    expect(ofReadme).toEqual(expect.arrayContaining(markdownIn('docs')));
  });

  it('link, in the README, to files that the package contains', () => {
    const { files } = JSON.parse(readFileSync('package.json', 'utf8'));
    const contained = ['README.md', 'LICENSE', ...files].join('|');
    const others = relativeLinksIn('README.md').filter(
      (link) => !new RegExp(`^(?:#|(?:${contained})(?:[/#]|$))`).test(link),
    );
    expect(others).toEqual([]);
  });
});

describe('a link to nowhere', () => {
  it.each([
    ['docs/nowhere.md', /no such file/],
    ['docs/errors.md#nowhere', /no such heading/],
    ['#nowhere', /no such heading/],
  ])('such as %s is found', (link, fault) => {
    expect(faultOf(link, 'README.md')).toMatch(fault);
  });
});
