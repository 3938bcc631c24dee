/** The value of a JSON text; undefined, which no JSON text means, where it is not one. */
export const readLooseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
