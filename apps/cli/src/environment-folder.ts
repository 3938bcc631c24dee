/**
 * An environment on disk: `agents/*.prompt`, `workflows/*.workflow.yaml|yml|json`, `teams.yaml`.
 * Everything is optional; anything else in the folder is left alone.
 */
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CliError, exitCodes } from './exit-code.js';

export interface SourceFile {
  readonly file: string;
  readonly name: string;
  readonly source: string;
}

export interface EnvironmentFolder {
  readonly agents: readonly SourceFile[];
  readonly workflows: readonly SourceFile[];
  readonly teams: SourceFile | undefined;
}

const workflowSuffix = /\.workflow\.(ya?ml|json)$/;
const promptSuffix = /\.prompt$/;

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

const readMatching = async (folder: string, suffix: RegExp): Promise<SourceFile[]> => {
  const names = await readdir(folder).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return [];
    throw new CliError(`${folder} cannot be read: ${(error as Error).message}`, exitCodes.data);
  });
  const files = names.filter((name) => suffix.test(name)).sort();
  return Promise.all(
    files.map(async (name) => {
      const file = join(folder, name);
      return { file, name: name.replace(suffix, ''), source: await readFile(file, 'utf8') };
    }),
  );
};

export const readEnvironmentFolder = async (folder: string): Promise<EnvironmentFolder> => {
  const teams = await readMatching(folder, /^teams\.ya?ml$/);
  return {
    agents: await readMatching(join(folder, 'agents'), promptSuffix),
    workflows: await readMatching(join(folder, 'workflows'), workflowSuffix),
    teams: teams[0],
  };
};

/** As bytes: what is not UTF-8 is the language's to report. */
export const readSource = async (
  file: string,
): Promise<{ readonly file: string; readonly bytes: Uint8Array }> => {
  const bytes = await readFile(file).catch((error: Error) => {
    throw new CliError(`${file} cannot be read: ${error.message}`, exitCodes.data);
  });
  return { file, bytes };
};

/** The environment that a workflow file lies in: the parent of its `workflows` folder; undefined elsewhere. */
export const environmentAround = (file: string): string | undefined =>
  basename(dirname(file)) === 'workflows' ? dirname(dirname(file)) : undefined;
