import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { Registry } from 'prom-client';
import { createTokenService, reasonOf } from '../support/app.js';
import { afterTest } from '../support/cleanup.js';
import { useEmulator } from '../support/emulator.js';
import { GRANT_SECRET } from '../support/grants.js';
import { runInNode } from '../support/run-in-node.js';
import { importSnippet } from '../support/snippets.js';
import { until } from '../support/until.js';

const GUIDE = 'docs/observability.md';
const ADA = { identity: 'ada-7f3a' };

describe('the recipes of the guide to observability', () => {
  const pica = useEmulator();

  it('count tokens by reason and measure the calls to Pica with prom-client', async () => {
    const { collectAuthKitMetrics } = await importSnippet<{
      collectAuthKitMetrics(registry: Registry): () => void;
    }>(GUIDE, 'authkit-metrics.ts');
    const registry = new Registry();
    afterTest(collectAuthKitMetrics(registry));
    const tokens = await createTokenService(pica, { retries: 0 });

    await tokens.create(ADA);
    await tokens.create(ADA);
    pica.fault({ path: '/v1/authkit', status: 401 });
    await reasonOf(tokens.create(ADA));

    const metrics = await registry.metrics();
    expect(metrics).toContain(
      'authkit_tokens_total{registration="default",reason="none"} 2',
    );
    expect(metrics).toContain(
      'authkit_tokens_total{registration="default",reason="secret_rejected"} 1',
    );
    expect(metrics).toMatch(
      /authkit_upstream_duration_seconds_count\{registration="default",operation="POST \/v1\/authkit",status="200"\} [45]/,
    );
    expect(metrics).not.toContain(pica.secretKey);
    expect(metrics).not.toContain(ADA.identity);
  });

  describe('with OpenTelemetry', () => {
    const start = async () => {
      const { traceAuthKit } = await importSnippet<{
        traceAuthKit(): () => void;
      }>(GUIDE, 'authkit-spans.ts');
      const exporter = new InMemorySpanExporter();
      const provider = new BasicTracerProvider({
        spanProcessors: [new SimpleSpanProcessor(exporter)],
      });
      trace.setGlobalTracerProvider(provider);
      context.setGlobalContextManager(
        new AsyncLocalStorageContextManager().enable(),
      );
      const stop = traceAuthKit();
      afterTest(async () => {
        stop();
        trace.disable();
        context.disable();
        await provider.shutdown();
      });
      return exporter;
    };
    const named = (spans: readonly ReadableSpan[], name: string) =>
      spans.filter((span) => span.name === name);
    const parentOf = (span: ReadableSpan) => span.parentSpanContext?.spanId;

    it('make a span for a token below the request, and below it one for each call', async () => {
      const exporter = await start();
      const tokens = await createTokenService(pica);
      const request = trace.getTracer('app').startSpan('POST /authkit-token');
      await context.with(trace.setSpan(context.active(), request), () =>
        tokens.create(ADA),
      );

      const spans = exporter.getFinishedSpans();
      const [token] = named(spans, 'authkit token create');
      expect(parentOf(token!)).toBe(request.spanContext().spanId);
      const calls = spans.filter(({ name }) => /^authkit upstream/.test(name));
      expect(calls.map(({ name }) => name).sort()).toEqual([
        'authkit upstream GET /v1/users/flags',
        'authkit upstream POST /v1/authkit',
        'authkit upstream POST /v1/authkit',
      ]);
      for (const call of calls) {
        expect(parentOf(call)).toBe(token!.spanContext().spanId);
        expect(call.attributes['http.response.status_code']).toBe(200);
      }
    });

    it('mark what has failed as an error, and what it has cancelled as none', async () => {
      const exporter = await start();
      const tokens = await createTokenService(pica, { retries: 0 });
      pica.fault({ page: 2, hang: true });
      pica.fault({ page: 1, status: 401 });
      await reasonOf(tokens.create(ADA));

      const POST = 'authkit upstream POST /v1/authkit';
      await until(() => named(exporter.getFinishedSpans(), POST).length === 2);
      const spans = exporter.getFinishedSpans();
      const [token] = named(spans, 'authkit token create');
      expect(token!.status).toEqual({ code: 2, message: 'secret_rejected' });
      const [, second] = named(spans, POST);
      expect(second!.status.code).toBe(0);
      expect(second!.attributes['authkit.reason']).toBe('cancelled');
    });

    it('record no key, identity or bearer in any attribute or event', async () => {
      const exporter = await start();
      const tokens = await createTokenService(pica, { retries: 0 });
      await tokens.create(ADA);
      pica.fault({ status: 403, body: pica.secretKey });
      await reasonOf(tokens.create(ADA));
      const shown = JSON.stringify(
        exporter
          .getFinishedSpans()
          .map(({ name, attributes, events, status }) => [
            ...[name, attributes, events, status],
          ]),
      );
      expect(shown).toContain('secret_rejected');
      expect(shown).not.toContain(pica.secretKey);
      expect(shown).not.toContain(ADA.identity);
      expect(shown).not.toMatch(/bearer/i);
    });
  });

  it('keep bearers, grants and sessions out of the log of nestjs-pino', async () => {
    const printed = await runInNode(
      'pino.ts',
      ...[pica.url, pica.secretKey, GRANT_SECRET],
    );
    const lines = printed.trim().split('\n');
    const requests = lines.filter((line) => line.includes('authkit-token'));
    expect(requests.length).toBeGreaterThanOrEqual(2);
    expect(printed).toContain('[Redacted]');
    for (const secret of ['Bearer', 'eyJ', 'sid=ada', pica.secretKey]) {
      expect(printed).not.toContain(secret);
    }
  }, 60_000);
});
