/** Puts an environment folder into the platform: teams, then agents, then the workflows that name them. */
import { parse } from 'yaml';
import { z } from 'zod';
import type { ApiClient } from './api-client.js';
import { type Issue, issue } from './api-types.js';
import { childrenFirst, type NamedDefinition } from './children-first.js';
import { renderIssue } from './diagnostics.js';
import { type EnvironmentFolder, readEnvironmentFolder, type SourceFile } from './environment-folder.js';
import { CliError, exitCodes } from './exit-code.js';

export interface Synced {
  readonly kind: 'teams' | 'agent' | 'workflow';
  readonly name: string;
  readonly file: string;
  readonly version: number | null;
  readonly warnings: readonly Issue[];
}

const yaml = 'application/yaml';

/** @throws CliError naming the file, with the diagnostics of the definition where there are any. */
export const syncEnvironment = async (api: ApiClient, folder: string): Promise<Synced[]> => {
  const environment = await readEnvironmentFolder(folder);
  refuseEmpty(environment, folder);
  const synced: Synced[] = [];
  if (environment.teams !== undefined)
    synced.push(await put(api, 'teams', '/api/v1/teams', { ...environment.teams, name: 'teams' }));
  for (const agent of environment.agents) {
    synced.push(await put(api, 'agent', `/api/v1/agents/${encodeURIComponent(agent.name)}`, agent));
  }
  for (const { id, file } of childrenFirst(environment.workflows.map(named))) {
    synced.push(
      await put(api, 'workflow', `/api/v1/workflows/${encodeURIComponent(id)}`, { ...file, name: id }),
    );
  }
  return synced;
};

const refuseEmpty = ({ agents, workflows, teams }: EnvironmentFolder, folder: string): void => {
  if (agents.length + workflows.length > 0 || teams !== undefined) return;
  throw new CliError(
    `${folder} is not an environment: it has neither agents/*.prompt nor workflows/*.workflow.yaml nor teams.yaml`,
    exitCodes.data,
  );
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
