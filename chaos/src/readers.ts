/**
 * Many readers in a process of their own, so that what they cost themselves is not taken for what others have to wait:
 * `readers.js <api> <path of a stream> <streams> <path> <readers> <seconds>` opens so many streams, then lets so many readers
 * get the path again and again, and prints how many streams were opened and how many refused in order.
 */
import { setTimeout as delay } from 'node:timers/promises';

const [api = '', stream = '', streamCount = '', path = '', readerCount = '', seconds = ''] =
  process.argv.slice(2);
// Whoever has started it is gone.
process.once('disconnect', () => process.exit());

const open = async (): Promise<number> => {
  try {
    const response = await fetch(`${api}${stream}`);
    void response.text().catch(() => undefined);
    return response.status;
  } catch {
    return 0;
  }
};

const read = async (): Promise<void> => {
  try {
    await (await fetch(`${api}${path}`)).text();
  } catch {
    // What the others suffer is looked at elsewhere.
  }
};

const streams = await Promise.all(Array.from({ length: Number(streamCount) }, open));
const opened = streams.filter((status) => status === 200).length;
const refused = streams.filter((status) => status === 503 || status === 429).length;
process.stdout.write(`${JSON.stringify({ opened, refused })}\n`);
const until = performance.now() + Number(seconds) * 1_000;
while (performance.now() < until) {
  await Promise.all(Array.from({ length: Number(readerCount) }, read));
  await delay(10);
}
process.exit();
