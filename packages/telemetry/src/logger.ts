/**
 * Owns the one log format of every process: a JSON object on each line, `time, level, service, msg` first,
 * then the fields. A reader may rely on those four and on `run_id`, `step_id` and `attempt` where they apply.
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
  return bind({ threshold: logLevels.indexOf(options.level), service: options.service, write }, {});
}

interface Sink {
  threshold: number;
  service: string;
  write: (line: string) => void;
}

function bind(sink: Sink, bound: LogFields): Logger {
  const at = (level: LogLevel) => {
    if (logLevels.indexOf(level) < sink.threshold) return () => undefined;
    return (msg: string, fields?: LogFields) => {
      const head = { time: new Date().toISOString(), level, service: sink.service, msg };
      sink.write(`${serialise({ ...head, ...bound, ...fields, ...head })}\n`);
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
function serialise(fields: LogFields): string {
  // What encloses the value at hand: as it was given, and the plain object written for it.
  const enclosing: { given: unknown; plain: unknown }[] = [];
  return JSON.stringify(fields, function (this: unknown, _key: string, value: unknown): unknown {
    if (typeof value === 'bigint') return value.toString();
    const plain = value instanceof Error ? describeError(value) : value;
    if (typeof plain !== 'object' || plain === null) return plain;
    while (enclosing.length > 0 && enclosing.at(-1)?.plain !== this) enclosing.pop();
    if (enclosing.some(({ given }) => given === value)) return '[circular]';
    enclosing.push({ given: value, plain });
    return plain;
  });
}

/** An error as plain data: name, message, code and stack, and the same of its cause. */
export function describeError(error: Error): Record<string, unknown> {
  return {
    name: error.name,
    message: error.message,
    ...('code' in error ? { code: error.code } : {}),
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: error.cause }),
  };
}
