// Runs the spec files in the order of the task.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

export default class MutationSequencer {
  shard(tests) {
    return tests;
  }

  sort(tests) {
    const { order } = JSON.parse(
      readFileSync(process.env.MUTATION_TASK, 'utf8'),
    );
    const place = ({ path, context }) =>
      order.indexOf(relative(context.config.rootDir, path));
    return order ? tests.toSorted((a, b) => place(a) - place(b)) : tests;
  }

  allFailedTests(tests) {
    return tests;
  }

  cacheResults() {}
}
