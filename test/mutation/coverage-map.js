// Which tests run which piece of the code, collected once.
import { markRegions, regionOf } from './regions.js';

export class CoverageMap {
  /** By file. */
  regions = new Map();
  /** By region: the tests of each spec file, `null` for all of them. */
  tests = new Map();
  /** By spec file: `{ loading, durations, breadth }`. */
  specs = new Map();
  failed = new Set();

  /** @param files text by name */
  static async collect(copy, files) {
    const map = new CoverageMap();
    let next = 1;
    for (const [file, text] of files) {
      const marked = markRegions(file, text, next);
      next += marked.regions.length;
      map.regions.set(file, marked.regions);
      copy.write(file, marked.text);
    }
    const { messages, output } = await copy.run({ collect: true });
    for (const [file, text] of files) copy.write(file, text);

    for (const message of messages) {
      if (message.on === 'failure') map.failed.add(message.spec);
      if (message.on === 'end') map.add(message);
    }
    for (const spec of map.failed) map.specs.delete(spec);
    if (map.specs.size === 0) throw new Error(`No test has run.\n${output}`);
    return map;
  }

  add({ spec, hits, durations, loading }) {
    if (Object.keys(durations).length === 0) return;
    const breadth = new Set(hits.flatMap(([, ids]) => ids)).size;
    this.specs.set(spec, { durations, loading, breadth });
    for (const [test, ids] of hits) {
      for (const id of ids) {
        const bySpec = this.tests.get(id) ?? new Map();
        this.tests.set(id, bySpec);
        if (test === '') bySpec.set(spec, null);
        else if (bySpec.get(spec) !== null)
          bySpec.set(spec, [...(bySpec.get(spec) ?? []), test]);
      }
    }
  }

  /**
   * What to run for a mutant, first what fails soonest: cheap tests, many of
   * them, in a spec file that runs little else.
   *
   * @returns `undefined` where no test runs it
   */
  taskFor(mutant) {
    const { id } = regionOf(mutant, this.regions.get(mutant.file));
    const plans = [];
    for (const [spec, chosen] of this.tests.get(id) ?? []) {
      const known = this.specs.get(spec);
      if (!known) continue;
      const names = chosen ?? Object.keys(known.durations);
      const cost = names.reduce(
        (sum, name) => sum + known.durations[name],
        known.loading,
      );
      plans.push({
        spec,
        chosen,
        price: (cost * known.breadth) / names.length,
      });
    }
    if (plans.length === 0) return undefined;
    plans.sort((a, b) => a.price - b.price);
    return {
      order: plans.map(({ spec }) => spec),
      tests: Object.fromEntries(plans.map((p) => [p.spec, p.chosen])),
      durations: Object.fromEntries(
        plans.map(({ spec }) => [spec, this.specs.get(spec).durations]),
      ),
    };
  }
}
