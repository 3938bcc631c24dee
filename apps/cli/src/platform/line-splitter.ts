/** Cuts a stream of chunks into lines; the last unfinished line is kept for the next chunk. */
export const createLineSplitter = (onLine: (line: string) => void) => {
  let rest = '';
  return (chunk: Buffer | string): void => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  };
};
