/**
 * Whether a subject is one of those that a filter names; `*` stands for one token, `>` for all that follow. Most filters
 * name a beginning and all that follows it: for them nothing is taken apart.
 */
export const subjectFilter = (filter: string): ((subject: string) => boolean) => {
  const wanted = filter.split('.');
  const wildAt = wanted.findIndex((token) => token === '*' || token === '>');
  const isWholeRest = wildAt === wanted.length - 1 && wanted[wildAt] === '>';
  if (!isWholeRest) return (subject) => isLike(subject.split('.'), wanted);
  const beginning = filter.slice(0, -1);
  return (subject) => subject.length > beginning.length && subject.startsWith(beginning);
};

const isLike = (tokens: readonly string[], wanted: readonly string[]): boolean => {
  for (const [index, token] of wanted.entries()) {
    if (token === '>') return tokens.length > index;
    if (index >= tokens.length || (token !== '*' && token !== tokens[index])) return false;
  }
  return tokens.length === wanted.length;
};

/** A subject without what differs from one message to the next. */
export const kindOf = (subject: string): string => subject.split('.', 3).join('.');
