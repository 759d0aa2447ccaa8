// The test environment of mutation runs: says what each test runs, or runs only the tests of a task.
import { readFileSync, writeSync } from 'node:fs';
import { relative } from 'node:path';
import { TestEnvironment } from 'jest-environment-node';

const REPORT = 3;
const SLOW = { times: 5, margin: 10_000 };

const nameOf = (test) => {
  const names = [test.name];
  for (let block = test.parent; block?.parent; block = block.parent)
    names.unshift(block.name);
  return names.join(' ');
};

const allTests = (block) =>
  block.children.flatMap((child) =>
    child.type === 'describeBlock' ? allTests(child) : [child],
  );

export default class MutationEnvironment extends TestEnvironment {
  current = '';
  failed = false;
  started = 0;
  hits = new Map();
  durations = {};

  constructor(config, context) {
    super(config, context);
    this.spec = relative(config.projectConfig.rootDir, context.testPath);
    this.task = JSON.parse(readFileSync(process.env.MUTATION_TASK, 'utf8'));
    this.loaded = performance.now();
    if (this.task.collect) this.global.__hit = (region) => this.hit(region);
    this.report({ on: 'spec' });
  }

  hit(region) {
    let regions = this.hits.get(this.current);
    if (!regions) this.hits.set(this.current, (regions = new Set()));
    regions.add(region);
  }

  report(message) {
    writeSync(REPORT, `${JSON.stringify({ ...message, spec: this.spec })}\n`);
  }

  handleTestEvent(event, state) {
    if (event.name === 'run_start') this.choose(state);
    if (event.name === 'test_start') this.start(event.test);
    if (event.name === 'test_done') this.end(event.test);
    if (event.name === 'error' || event.name === 'hook_failure')
      this.fail('outside of tests');
  }

  choose(state) {
    this.loading = performance.now() - this.loaded;
    // The machine may be busy: what a mutant hangs ends a little later.
    state.testTimeout = Math.max(state.testTimeout, 2 * SLOW.margin);
    const chosen = this.task.tests?.[this.spec];
    if (!chosen) return;
    const tests = allTests(state.rootDescribeBlock);
    const known = new Set(tests.map(nameOf));
    // A name that differs from run to run: all tests of the file, then.
    if (chosen.some((name) => !known.has(name))) return;
    const names = new Set(chosen);
    for (const test of tests) if (!names.has(nameOf(test))) test.mode = 'skip';
  }

  start(test) {
    const name = nameOf(test);
    if (this.failed && !this.task.collect) test.mode = 'skip';
    if (test.mode === 'skip') return;
    this.current = name;
    this.started = performance.now();
    const usual = this.task.durations?.[this.spec]?.[name];
    if (usual !== undefined) test.timeout = SLOW.margin + SLOW.times * usual;
    this.report({ on: 'test' });
  }

  end(test) {
    if (!this.current) return;
    this.durations[this.current] = performance.now() - this.started;
    if (test.errors.length > 0) this.fail(this.current);
    this.current = '';
  }

  fail(test) {
    this.failed = true;
    this.report({ on: 'failure', test });
  }

  async teardown() {
    if (this.task.collect) {
      const hits = [...this.hits].map(([test, ids]) => [test, [...ids]]);
      const { loading, durations } = this;
      this.report({ on: 'end', hits, durations, loading });
    }
    await super.teardown();
  }
}
