/** The layers of docs/ARCHITECTURE.md. L0 is pure; L1 are adapters over L0; L2 are the applications. */
const pure = '^packages/(engine|dsl|schema-checker|protocol)/src';
const adapters =
  '^packages/(messaging|step-runner|executors|llm|telemetry|service|starlark-wasm|embedded-nats|data-folder)';

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'pure-imports-no-adapter',
      severity: 'error',
      from: { path: pure, pathNot: '\\.test\\.ts$' },
      to: { path: [adapters, '^apps/', '^packages/testing'] },
    },
    {
      name: 'pure-imports-nothing-of-node',
      severity: 'error',
      from: { path: pure, pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'engine-has-no-runtime-dependency',
      severity: 'error',
      from: { path: '^packages/engine/src', pathNot: '\\.test\\.ts$' },
      to: { pathNot: '^packages/engine/src' },
    },
    {
      name: 'protocol-knows-zod-only',
      severity: 'error',
      from: { path: '^packages/protocol/src', pathNot: '\\.test\\.ts$' },
      to: { pathNot: ['^packages/protocol/src', 'node_modules/zod'] },
    },
    {
      name: 'messaging-knows-not-the-engine',
      severity: 'error',
      from: { path: '^packages/messaging/src' },
      to: { path: '^packages/(engine|dsl)/' },
    },
    {
      name: 'only-messaging-speaks-to-nats',
      severity: 'error',
      from: {
        path: '^(apps|packages|bench|chaos)/',
        pathNot: ['^packages/messaging/', '^packages/testing/'],
      },
      to: { path: '@nats-io/' },
    },
    {
      name: 'packages-import-no-application',
      severity: 'error',
      from: { path: '^packages/' },
      to: { path: '^apps/' },
    },
    {
      name: 'applications-import-not-one-another',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'chaos-judges-from-outside',
      severity: 'error',
      from: { path: '^chaos/' },
      to: { path: '^apps/' },
    },
    {
      name: 'testing-is-for-tests',
      severity: 'error',
      from: { path: '^(apps|packages)/[^/]+/src', pathNot: ['\\.test\\.ts$', '^packages/testing/'] },
      to: { path: '^packages/testing/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['/dist/', '/node_modules/.*/node_modules/'] },
    tsConfig: { fileName: 'tsconfig.base.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
};
