/** The same with the properties that are undefined left out: states use undefined for what is not there, JSON has none. */
export const withoutUndefined = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as T;
