import { CommanderError } from 'commander';
import { expect, test, vi } from 'vitest';
import { createProgram } from './program.js';

const parse = (...args: string[]) => createProgram('1.2.3').parseAsync(args, { from: 'user' });

test('--version behind a command is never the version of the program with an exit that looks like success', async () => {
  const print = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  for (const args of [
    ['run', 'w', '--version', '9'],
    ['runs', 'list', '-V'],
    ['sync', '--version', 'folder'],
  ])
    await expect(parse(...args)).rejects.toMatchObject({ code: 'commander.unknownOption', exitCode: 1 });
  print.mockRestore();
});

test('--version alone is', async () => {
  const print = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const ended = await parse('--version').catch((error: unknown) => error);
  expect(ended).toBeInstanceOf(CommanderError);
  expect(ended).toMatchObject({ code: 'commander.version', exitCode: 0, message: '1.2.3' });
  print.mockRestore();
});
