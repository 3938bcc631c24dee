/** Every workflow of `examples/environments/language` is checked, then run on the whole platform to its end. */
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AgentDefinition } from '@signalbox/dsl';
import { createStarlark } from '@signalbox/starlark-wasm';
import { startWorld, type World } from '@signalbox/testing';
import { createLanguage } from '@signalbox/validation';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApiClient } from '../src/api-client.js';
import { readEnvironmentFolder } from '../src/environment-folder.js';
import { syncEnvironment } from '../src/sync.js';
import { requester, runAsExpected } from './support/examples-run.js';
import { exampleTable } from './support/examples-table.js';

const folder = fileURLToPath(new URL('../../../examples/environments/language', import.meta.url));
const { agents, workflows } = await readEnvironmentFolder(folder);
const language = createLanguage(createStarlark());

test('every workflow of the folder is executed, and every expectation has its workflow', () => {
  expect(workflows.map(({ name }) => name).sort()).toEqual([...exampleTable.keys()].sort());
});

describe('checked without a platform', () => {
  const definitions = new Map<string, AgentDefinition>();
  const names: ReadonlySet<string> = new Set(workflows.map(({ name }) => name));

  beforeAll(() => {
    for (const { name, source } of agents) {
      const parsed = language.agent(source, name);
      if (parsed.ok) definitions.set(name, parsed.agent);
      else throw new Error(`${name}: ${JSON.stringify(parsed.errors)}`);
    }
  });

  test.each(workflows)(
    '$name is valid, with the warnings that it shows and no others',
    ({ name, source }) => {
      const parsed = language.workflow(source, { agents: definitions, workflows: names });
      expect(parsed.ok ? [] : parsed.errors).toEqual([]);
      expect(parsed.warnings.map(({ code, path }) => `${code} ${path}`)).toEqual(
        exampleTable.get(name)?.warnings ?? [],
      );
    },
  );

  test.each(workflows)('$name has the id of its file, and begins with what it shows', ({ file, source }) => {
    const parsed = language.workflow(source, {});
    const definition = parsed.ok ? parsed.definition : undefined;
    expect(basename(file).split('.')[0]).toBe(definition?.id);
    expect(source.startsWith('# ') || definition?.description !== undefined).toBe(true);
  });
});

describe('run on the platform', () => {
  let world: World;

  beforeAll(async () => {
    world = await startWorld(['orchestrator', 'api', 'step-worker', 'agent', 'approval-service']);
    await syncEnvironment(createApiClient(world.apiUrl, requester), folder);
  });
  afterAll(() => world?.stop());

  const rows = [...exampleTable].flatMap(([workflow, { runs }]) =>
    runs.map((expected, index) => ({ workflow, run: index + 1, expected })),
  );

  test.concurrent.each(rows)('$workflow ends as expected, run $run', ({ workflow, expected }) =>
    runAsExpected(world, workflow, expected),
  );
});
