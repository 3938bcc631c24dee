/** Whether a subject is one of those that a filter names; `*` stands for one token, `>` for all that follow. */
export const isOnFilter = (subject: string, filter: string): boolean => {
  const tokens = subject.split('.');
  const wanted = filter.split('.');
  for (const [index, token] of wanted.entries()) {
    if (token === '>') return tokens.length > index;
    if (index >= tokens.length || (token !== '*' && token !== tokens[index])) return false;
  }
  return tokens.length === wanted.length;
};
