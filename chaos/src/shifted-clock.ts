/**
 * Preloaded into a process under test: its wall clock is shifted by the milliseconds that a file holds, and jumps when the
 * file changes. Monotonic time goes on, as it does when an operator or NTP sets a machine's clock.
 */
import { readFileSync } from 'node:fs';

const file = process.env.CHAOS_CLOCK_FILE;
const RealDate = Date;
const lookMs = 50;
let offsetMs = 0;

const look = (): void => {
  try {
    offsetMs = Number(readFileSync(file ?? '', 'utf8')) || 0;
  } catch {
    // Nobody has shifted the clock yet.
  }
};

if (file !== undefined) {
  look();
  setInterval(look, lookMs).unref();
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args) =>
      args.length === 0 ? new RealDate(RealDate.now() + offsetMs) : Reflect.construct(target, args),
    apply: () => new RealDate(RealDate.now() + offsetMs).toString(),
    get: (target, name, receiver) =>
      name === 'now' ? () => RealDate.now() + offsetMs : Reflect.get(target, name, receiver),
  });
}
