/**
 * Puts an environment folder into the platform: teams, then agents, then the workflows that name them.
 *
 * Nothing is put before the whole folder was found valid, together with what the platform has already.
 */
import { createStarlark } from '@signalbox/starlark-wasm';
import { createLanguage, type Language } from '@signalbox/validation';
import { parse } from 'yaml';
import { z } from 'zod';
import type { ApiClient } from './api-client.js';
import { type Issue, issue, workflowSummary } from './api-types.js';
import { childrenFirst, type NamedDefinition } from './children-first.js';
import { renderIssue } from './diagnostics.js';
import { checkEnvironment, type Elsewhere, type FileReport, requireValid } from './environment-check.js';
import { type EnvironmentFolder, readEnvironmentFolder, type SourceFile } from './environment-folder.js';
import { CliError, exitCodes } from './exit-code.js';

export interface Synced {
  readonly kind: 'teams' | 'agent' | 'workflow';
  readonly name: string;
  readonly file: string;
  readonly version: number | null;
  readonly warnings: readonly Issue[];
}

export interface SyncResult {
  readonly synced: readonly Synced[];
  /** What was not read although it looks as if it was meant. */
  readonly leftAlone: readonly string[];
}

const yaml = 'application/yaml';

/** @throws CliError naming the file, with the diagnostics of the definition where there are any. */
export const syncEnvironment = async (api: ApiClient, folder: string): Promise<SyncResult> => {
  const environment = await readEnvironmentFolder(folder);
  refuseEmpty(environment, folder);
  requireValid(await checkAll(api, environment));
  const workflows = childrenFirst(environment.workflows.map(named));
  const synced: Synced[] = [];
  if (environment.teams !== undefined)
    synced.push(await put(api, 'teams', '/api/v1/teams', { ...environment.teams, name: 'teams' }));
  for (const agent of environment.agents) {
    synced.push(await put(api, 'agent', `/api/v1/agents/${encodeURIComponent(agent.name)}`, agent));
  }
  for (const { id, file } of workflows) {
    synced.push(
      await put(api, 'workflow', `/api/v1/workflows/${encodeURIComponent(id)}`, { ...file, name: id }),
    );
  }
  return { synced, leftAlone: environment.leftAlone };
};

const refuseEmpty = ({ agents, workflows, teams, leftAlone }: EnvironmentFolder, folder: string): void => {
  if (agents.length + workflows.length > 0 || teams !== undefined) return;
  const what = `${folder} is not an environment: it has neither agents/*.prompt nor workflows/*.workflow.yaml nor teams.yaml`;
  throw new CliError([what, ...leftAlone].join('\n'), exitCodes.data);
};

/** What another file or the platform may have: only where one of them is missing is the platform asked for it. */
const aboutOthers: ReadonlySet<string> = new Set(['AGENT_NOT_FOUND', 'WORKFLOW_NOT_FOUND']);

const checkAll = async (api: ApiClient, environment: EnvironmentFolder): Promise<readonly FileReport[]> => {
  const language: Language = createLanguage(createStarlark());
  const { reports } = checkEnvironment(language, environment);
  const isAlone = !reports.some(({ errors }) => errors.some(({ code }) => aboutOthers.has(code)));
  if (isAlone) return reports;
  return checkEnvironment(language, environment, await onPlatform(api)).reports;
};

const onPlatform = async (api: ApiClient): Promise<Elsewhere> => {
  const agents = await api.list('/api/v1/agents', z.object({ name: z.string() }), Number.POSITIVE_INFINITY);
  const workflows = await api.list('/api/v1/workflows', workflowSummary, Number.POSITIVE_INFINITY);
  const sourceOf = async (path: string, name: string): Promise<SourceFile> => {
    const { source } = await api.get(`${path}/${encodeURIComponent(name)}`, z.object({ source: z.string() }));
    return { file: `${path}/${name}`, name, source };
  };
  return {
    agents: await Promise.all(agents.map(({ name }) => sourceOf('/api/v1/agents', name))),
    workflows: await Promise.all(workflows.map(({ id }) => sourceOf('/api/v1/workflows', id))),
  };
};

const put = async (
  api: ApiClient,
  kind: Synced['kind'],
  path: string,
  { name, file, source }: SourceFile,
): Promise<Synced> => {
  const { body } = await api
    .send('PUT', path, { text: source, contentType: yaml })
    .catch((error: unknown) => {
      throw inFile(error, file, source);
    });
  const answer = z
    .object({ version: z.number().optional(), warnings: z.array(issue).optional() })
    .safeParse(body);
  return { kind, name, file, version: answer.data?.version ?? null, warnings: answer.data?.warnings ?? [] };
};

const inFile = (error: unknown, file: string, source: string): unknown => {
  if (!(error instanceof CliError)) return error;
  const issues = z.object({ errors: z.array(issue) }).safeParse(error.details);
  const shown = issues.success
    ? issues.data.errors.map((each) => `\n${renderIssue(each, file, source)}`).join('')
    : '';
  return new CliError(`${file}: ${error.message}${shown}`, error.exitCode, error.details);
};

/** Only names are read here; everything else about the definition is the platform's to judge. */
const named = (sourceFile: SourceFile): NamedDefinition & { readonly file: SourceFile } => {
  const { file, source } = sourceFile;
  let definition: unknown;
  try {
    definition = parse(source, { maxAliasCount: 100 });
  } catch (error) {
    throw new CliError(`${file} is not YAML: ${(error as Error).message}`, exitCodes.data);
  }
  const id: unknown =
    typeof definition === 'object' && definition !== null && 'id' in definition ? definition.id : undefined;
  if (typeof id !== 'string' || id === '')
    throw new CliError(`${file}: the workflow has no id; add \`id: <kebab-case-name>\``, exitCodes.data);
  return { id, definition, file: sourceFile };
};
