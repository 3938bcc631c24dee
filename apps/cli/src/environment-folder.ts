/**
 * An environment on disk: `agents/*.prompt`, `workflows/*.workflow.yaml|yml|json`, `teams.yaml`.
 * Everything is optional; anything else in the folder is left alone, and said where it looks as if it was meant.
 */
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CliError, exitCodes } from './exit-code.js';
import { meaningOf, readTextFile } from './regular-file.js';

export interface SourceFile {
  readonly file: string;
  /** Of the file, without what makes it an agent's or a workflow's. */
  readonly name: string;
  readonly source: string;
}

export interface EnvironmentFolder {
  readonly agents: readonly SourceFile[];
  readonly workflows: readonly SourceFile[];
  readonly teams: SourceFile | undefined;
  /** What was not read although it looks like a part of the environment, each with the reason. */
  readonly leftAlone: readonly string[];
}

const workflowSuffix = /\.workflow\.(ya?ml|json)$/;
const promptSuffix = /\.prompt$/;
const teamsName = /^teams(?=\.ya?ml$)/;
const looksLikeSource = /\.(ya?ml|json|prompt)$/i;

interface Listing {
  readonly folder: string;
  readonly names: readonly string[];
}

const list = async (folder: string): Promise<Listing> => {
  const names = await readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new CliError(`${folder} cannot be read: ${meaningOf(error)}`, exitCodes.data);
  });
  return { folder, names: names.sort() };
};

/** Reads all and tells of every file that cannot be read at once. @throws CliError */
const readMatching = async ({ folder, names }: Listing, suffix: RegExp): Promise<SourceFile[]> => {
  const files: SourceFile[] = [];
  const faults: string[] = [];
  for (const fileName of names.filter((each) => suffix.test(each))) {
    const file = join(folder, fileName);
    try {
      files.push({ file, name: fileName.replace(suffix, ''), source: await readTextFile(file) });
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      faults.push(error.message);
    }
  }
  if (faults.length > 0) throw new CliError(faults.join('\n'), exitCodes.data);
  return files;
};

export const readEnvironmentFolder = async (folder: string): Promise<EnvironmentFolder> => {
  const root = await list(folder);
  const inAgents = await list(join(folder, 'agents'));
  const inWorkflows = await list(join(folder, 'workflows'));
  const teams = await readMatching(root, teamsName);
  const [first, second] = teams;
  if (first !== undefined && second !== undefined)
    throw new CliError(`${first.file} and ${second.file} both declare the teams; keep one`, exitCodes.data);
  return {
    agents: await readMatching(inAgents, promptSuffix),
    workflows: await readMatching(inWorkflows, workflowSuffix),
    teams: first,
    leftAlone: [
      ...namedOtherwise(
        root,
        (name) => workflowSuffix.test(name.toLowerCase()),
        'workflows lie in the folder workflows/',
      ),
      ...namedOtherwise(
        inAgents,
        (name) => looksLikeSource.test(name) && !promptSuffix.test(name),
        'the name of an agent’s file ends in .prompt, that of a workflow in .workflow.yaml',
      ),
      ...namedOtherwise(
        inWorkflows,
        (name) => looksLikeSource.test(name) && !workflowSuffix.test(name),
        'the name of a workflow’s file ends in .workflow.yaml, .workflow.yml or .workflow.json',
      ),
    ],
  };
};

const namedOtherwise = (
  { folder, names }: Listing,
  isOdd: (name: string) => boolean,
  rule: string,
): string[] => names.filter(isOdd).map((name) => `${join(folder, name)} is left alone: ${rule}`);

/** The environment that a workflow file lies in: the parent of its `workflows` folder; undefined elsewhere. */
export const environmentAround = (file: string): string | undefined =>
  basename(dirname(file)) === 'workflows' ? dirname(dirname(file)) : undefined;
