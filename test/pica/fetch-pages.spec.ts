import { fetchPages, inParallel } from '../../lib/pica/fetch-pages.js';
import { createTokenService } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';

const LIMITS = { concurrency: 3, maxPages: 5 };
const nextTurn = () => new Promise(setImmediate);

/** Fetches pages, and notes which were requested, in order. */
function record(
  { pages, total = pages }: { pages: number; total?: number },
  answer: (page: number, isSpeculative: boolean) => Promise<void> = nextTurn,
) {
  const requested: string[] = [];
  const fetch = async (page: number, isSpeculative: boolean) => {
    requested.push(`${page}${isSpeculative ? '?' : ''}`);
    await answer(page, isSpeculative);
    return { page, pages, total };
  };
  return { requested, fetch };
}

const numbersOf = (pages: readonly { page: number }[]) =>
  pages.map(({ page }) => page);

describe('the pages of a list', () => {
  it('are in the order of their numbers, in whichever order they arrive', async () => {
    const { fetch } = record({ pages: 5 }, async (page) => {
      for (let turn = page; turn < 6; turn += 1) await nextTurn();
    });
    expect(numbersOf(await fetchPages(fetch, LIMITS, 2))).toEqual([
      1, 2, 3, 4, 5,
    ]);
  });

  it.each<[guess: number, pages: number, requested: string[]]>([
    [1, 3, ['1', '2', '3']],
    [2, 3, ['1', '2?', '3']],
    [9, 4, ['1', '2?', '3?', '4']],
    [3, 1, ['1', '2?', '3?']],
  ])(
    'are requested with a guess of %d and %d pages as %j',
    async (guess, pages, expected) => {
      const { fetch, requested } = record({ pages });
      const fetched = await fetchPages(fetch, LIMITS, guess);
      expect(numbersOf(fetched)).toEqual(
        Array.from({ length: pages }, (_, index) => index + 1),
      );
      expect(requested).toEqual(expected);
    },
  );

  it('are requested again where a speculative one fails, or counts otherwise', async () => {
    const { fetch, requested } = record({ pages: 3 }, async (page, early) => {
      if (page === 2 && early) throw new Error('down');
    });
    const changing = async (page: number, early: boolean) => ({
      ...(await fetch(page, early)),
      total: page === 3 && early ? 4 : 3,
    });
    const pages = await fetchPages(changing, LIMITS, 3);
    expect(numbersOf(pages)).toEqual([1, 2, 3]);
    expect(requested.sort()).toEqual(['1', '2', '2?', '3', '3?']);
  });

  it('are malformed when there are more than the maximum, and no further one is requested', async () => {
    const { fetch, requested } = record({ pages: 6 });
    await expect(fetchPages(fetch, LIMITS)).rejects.toMatchObject({
      reason: 'malformed',
    });
    expect(requested).toEqual(['1']);
  });
});

describe('steps in parallel', () => {
  it('are no more at a time than allowed, and all are made', async () => {
    let running = 0;
    let most = 0;
    const made: number[] = [];
    await inParallel(10, 3, async (index) => {
      most = Math.max(most, (running += 1));
      await nextTurn();
      running -= 1;
      made.push(index);
    });
    expect(most).toBe(3);
    expect(made.sort((a, b) => a - b)).toEqual([...Array(10).keys()]);
  });

  it('end with the first failure, after which none starts', async () => {
    const made: number[] = [];
    const steps = inParallel(10, 2, async (index) => {
      made.push(index);
      await nextTurn();
      if (index === 1) throw new Error('first');
      if (index > 1) throw new Error('later');
    });
    await expect(steps).rejects.toThrow('first');
    await nextTurn();
    expect(made.length).toBeLessThanOrEqual(3);
  });

  it.each([0, -1])('are none of %d', async (count) => {
    const fail = () => Promise.reject(new Error('made'));
    expect(await inParallel(count, 3, fail)).toBeUndefined();
  });
});

describe('a token', () => {
  const pica = useEmulator({ integrations: 600 });

  it('has the rows in the order of their pages, in whichever order these arrive', async () => {
    const tokens = await createTokenService(pica);
    for (const page of [1, 2, 3]) {
      pica.fault({ page, delay: 120 - 30 * page });
    }
    for (const _ of ['the first', 'the next']) {
      expect((await tokens.create({ identity: 'ada' })).rows).toEqual(
        pica.rows,
      );
    }
  });
});
