/**
 * Owns the one log format of every process: a JSON object on each line, `time, level, service, msg` first,
 * then the fields. A reader may rely on those four and on `run_id`, `step_id` and `attempt` where they apply.
 *
 * A log holds ids, codes and counts, and nothing that a user wrote: no input, output, comment or prompt. Whoever logs
 * sees to the fields; the message of an error may quote anything, so it is written only at level debug, and at the
 * others only where it is the system's own (a refused connection) or its class says that it quotes nobody (`quotesNobody`).
 */
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Values are serialised as JSON; an `Error` anywhere at the top keeps its name, code, stack and causes. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(msg: string, fields?: LogFields): void;
  info(msg: string, fields?: LogFields): void;
  warn(msg: string, fields?: LogFields): void;
  error(msg: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line; a field given later wins. */
  child(fields: LogFields): Logger;
}

export interface LoggerOptions {
  service: string;
  level: LogLevel;
  /** Receives whole lines with their newline; standard output unless given. */
  write?: (line: string) => void;
}

export function createLogger(options: LoggerOptions): Logger {
  const write = options.write ?? ((line: string) => void process.stdout.write(line));
  const { level, service } = options;
  return bind({ threshold: logLevels.indexOf(level), service, write, quotes: level === 'debug' }, {});
}

/** A class of errors whose messages hold nothing that a user wrote has this property, set to true. */
export const quotesNobody = Symbol.for('signalbox.quotesNobody');

interface Sink {
  threshold: number;
  service: string;
  write: (line: string) => void;
  /** Messages of errors are written whatever they quote. */
  quotes: boolean;
}

function bind(sink: Sink, bound: LogFields): Logger {
  const at = (level: LogLevel) => {
    if (logLevels.indexOf(level) < sink.threshold) return () => undefined;
    return (msg: string, fields?: LogFields) => {
      const head = { time: new Date().toISOString(), level, service: sink.service, msg };
      sink.write(`${serialise({ ...head, ...bound, ...fields, ...head }, sink.quotes)}\n`);
    };
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => bind(sink, { ...bound, ...fields }),
  };
}

/** A log line must never be the reason for a failure: what JSON cannot hold is written as text. */
function serialise(fields: LogFields, quotes: boolean): string {
  // What encloses the value at hand: as it was given, and the plain object written for it.
  const enclosing: { given: unknown; plain: unknown }[] = [];
  return JSON.stringify(fields, function (this: unknown, _key: string, value: unknown): unknown {
    if (typeof value === 'bigint') return value.toString();
    const plain = value instanceof Error ? describeError(value, quotes) : value;
    if (typeof plain !== 'object' || plain === null) return plain;
    while (enclosing.length > 0 && enclosing.at(-1)?.plain !== this) enclosing.pop();
    if (enclosing.some(({ given }) => given === value)) return '[circular]';
    enclosing.push({ given: value, plain });
    return plain;
  });
}

/** An error as plain data: name, code, where it was thrown, the same of its cause, and its message where it may be said. */
function describeError(error: Error, quotes: boolean): Record<string, unknown> {
  const maySay = quotes || quotesNobody in error || isOfTheSystem(error);
  return {
    name: error.name,
    ...(maySay ? { message: error.message } : {}),
    ...('code' in error ? { code: error.code } : {}),
    stack: maySay ? error.stack : framesOf(error),
    ...(error.cause === undefined ? {} : { cause: causeOf(error, quotes) }),
  };
}

/** What was thrown may be no error at all, but a text. */
const causeOf = ({ cause }: Error, quotes: boolean): unknown =>
  quotes || cause instanceof Error ? cause : typeof cause;

/** Of the operating system, such as ECONNREFUSED: addresses and paths of ours. */
const isOfTheSystem = (error: Error): boolean =>
  'syscall' in error && 'errno' in error && typeof error.errno === 'number';

/** The stack without the message, which stands before the first frame and may have lines that look like one. */
const framesOf = ({ stack = '', message }: Error): string => {
  const at = stack.indexOf(message);
  const behind = at < 0 ? stack : stack.slice(at + message.length);
  return behind
    .split('\n')
    .filter((line) => /^ {4}at .*(:\d+:\d+\)?|<anonymous>\)?)$/.test(line))
    .join('\n');
};
