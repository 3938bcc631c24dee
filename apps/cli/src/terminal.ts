/**
 * The only writer of this process to its terminal.
 *
 * 1. What is printed may come from anybody: an approval's text, a comment, an error of a script. No character in it may
 *    move the cursor, change the direction of writing or hide: each is shown as `\u` and its number. In JSON, where such
 *    a character can only stand within a text, that is the same text written otherwise.
 * 2. A reader that goes away (`signalbox runs list | head -1`) ends the process without a word, as it ends others.
 */

import { exitCodes } from './exit-code.js';

/** Controls, formats, separators of lines, halves of pairs, and whatever else has no shape; but for the end of a line, the tab, and what makes an emoji of a sign. */
const unprintable =
  /(?!\n|\t|\ufe0f)[\p{Control}\p{Format}\p{Surrogate}\p{Line_Separator}\p{Paragraph_Separator}\p{Default_Ignorable_Code_Point}]/gu;

const escaped = (character: string): string =>
  character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');

export const printable = (text: string): string => text.replace(unprintable, escaped);

/** The same for what has to stay on one line, such as a cell of a table. */
export const onOneLine = (text: string): string => text.replaceAll('\n', '\\n').replaceAll('\t', '\\t');

export const printOut = (text: string): void => void process.stdout.write(printable(text));
export const printError = (text: string): void => void process.stderr.write(printable(text));

/** As a shell reports a process that was ended by SIGPIPE. */
const readerGone = 141;

/** `isService`: goes on without a reader, since others depend on it. */
export const onReaderGone = ({ isService }: { readonly isService: boolean }): void => {
  for (const stream of [process.stdout, process.stderr]) {
    stream.removeAllListeners('error');
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (isService) return;
      if (error.code === 'EPIPE') process.exit(readerGone);
      // Whoever reads the errors may be there when nobody takes the output.
      if (stream === process.stdout)
        process.stderr.write(`signalbox: the output cannot be written (${error.code ?? error.message})\n`);
      process.exit(exitCodes.temporary);
    });
  }
};
