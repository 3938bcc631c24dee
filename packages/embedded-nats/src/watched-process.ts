/**
 * Owns a child process that cannot outlive this one.
 *
 * 1. The command ends when this process ends, in whatever way: a shell between the two holds the read end of a
 *    pipe whose write end only this process has, so that even `kill -9` reaches it as an end of file.
 * 2. It is started by that shell, so there is no moment at which it runs unwatched.
 * 3. `pid` is the command's own and `exited` tells of its end, also when somebody else kills it.
 *    And when the shell alone is killed this process sees it, and ends the command itself.
 * 4. What it writes is for its owner alone, whatever the umask of this process.
 * 5. It is not in the terminal's foreground group: Ctrl-C reaches this process alone, which then stops in order.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** `$1` is the grace time in seconds, the rest the command. A background job's standard input is not the pipe, hence fd 4. */
const shellScript = `
grace=$1; shift
umask 077
exec 4<&0
"$@" </dev/null 3>&- 4<&- &
command=$!
( cat <&4 >/dev/null 2>&1
  kill -TERM $command
  for tick in $(seq $((grace * 10))); do kill -0 $command || exit 0; sleep 0.1; done
  kill -KILL $command ) >/dev/null 2>&1 3>&- &
watcher=$!
echo $command >&3
exec 3>&-
wait $command
status=$?
kill $watcher 2>/dev/null
exit $status
`;

export interface ProcessExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface WatchedProcess {
  readonly pid: number;
  /** Resolves, never rejects. */
  readonly exited: Promise<ProcessExit>;
  kill(signal: NodeJS.Signals): void;
}

export interface WatchedProcessOptions {
  command: string;
  args: readonly string[];
  /** Receives each line of both output streams. */
  onLine: (line: string) => void;
  /** Time between SIGTERM and SIGKILL when this process has died. */
  orphanGraceSeconds: number;
}

export async function startWatchedProcess(options: WatchedProcessOptions): Promise<WatchedProcess> {
  const shell = spawn(
    '/bin/sh',
    ['-c', shellScript, 'watch', String(options.orphanGraceSeconds), options.command, ...options.args],
    { stdio: ['pipe', 'pipe', 'pipe', 'pipe'], detached: true },
  );
  // The shell may be gone before its input is closed; the end of the process is told by `exited`.
  shell.stdin.on('error', () => undefined);
  for (const stream of [shell.stdout, shell.stderr]) createInterface(stream).on('line', options.onLine);

  let hasExited = false;
  const exited = new Promise<ProcessExit>((resolve, reject) => {
    shell.on('error', reject);
    let endLater: NodeJS.Timeout | undefined;
    // From here on the numbers of the shell and of the command may be somebody else's.
    shell.on('exit', (_code, signal) => {
      hasExited = true;
      if (signal !== null) endLater = endGroup(shell.pid, options.orphanGraceSeconds);
    });
    shell.on('close', (code, signal) => {
      clearTimeout(endLater);
      resolve(fromShell(code, signal));
    });
  });
  const pid = await Promise.race([readPid(shell.stdio[3] as Readable), exited.then(() => undefined)]);
  if (pid === undefined) throw new Error(`${options.command} could not be started`);
  return {
    pid,
    exited,
    kill: (signal) => {
      if (!hasExited) sendSignal(pid, signal);
    },
  };
}

async function readPid(stream: Readable): Promise<number | undefined> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  const pid = Number.parseInt(text, 10);
  return Number.isNaN(pid) ? undefined : pid;
}

/** A shell reports a command ended by signal n as 128 + n. */
function fromShell(code: number | null, signal: NodeJS.Signals | null): ProcessExit {
  if (code === 137) return { code: null, signal: 'SIGKILL' };
  if (code === 143) return { code: null, signal: 'SIGTERM' };
  return { code, signal };
}

/** What is left of a shell that was killed is in its process group: the command, and what waits for our end. */
function endGroup(leader: number | undefined, graceSeconds: number): NodeJS.Timeout | undefined {
  if (leader === undefined) return undefined;
  sendSignal(-leader, 'SIGTERM');
  return setTimeout(() => sendSignal(-leader, 'SIGKILL'), graceSeconds * 1_000).unref();
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // Ended between the check and the signal.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
