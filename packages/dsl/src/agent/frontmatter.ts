/** `---`, YAML, `---`, body. */
export type SplitText =
  | {
      readonly ok: true;
      /** The YAML between the lines. */
      readonly frontmatter: string;
      /** Offset in the text of the frontmatter. */
      readonly frontmatterStart: number;
      readonly body: string;
      readonly bodyStart: number;
    }
  | { readonly ok: false; readonly message: string };

const fence = /^---[ \t]*\r?$/;

/** Offset after the line that begins at `at`. */
const nextLine = (text: string, at: number): number => {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end + 1;
};

export const splitFrontmatter = (text: string): SplitText => {
  const start = nextLine(text, 0);
  if (!fence.test(text.slice(0, start).replace(/\n$/, ''))) {
    return { ok: false, message: 'the file must begin with a line "---"' };
  }
  for (let at = start; at < text.length; at = nextLine(text, at)) {
    const end = nextLine(text, at);
    if (!fence.test(text.slice(at, end).replace(/\n$/, ''))) continue;
    return {
      ok: true,
      frontmatter: text.slice(start, at),
      frontmatterStart: start,
      body: text.slice(end),
      bodyStart: end,
    };
  }
  return { ok: false, message: 'the frontmatter has no second line "---"' };
};
