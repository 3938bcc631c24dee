/** "Did you mean": the nearest of the permitted names. */

/** Longer names are not compared: the cost grows with the product of the lengths. */
const longestCompared = 64;

/** Edit distance in which two swapped neighbours count once. */
const distance = (a: string, b: string): number => {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
};

const folded = (name: string): string => name.toLowerCase().replaceAll(/[_\-. ]/g, '');

/** `msg` of `message`: the same first letter, and the others in their order. */
const isAbbreviation = (short: string, long: string): boolean => {
  if (short.length < 3 || short[0] !== long[0]) return false;
  let at = 0;
  for (const letter of long) if (letter === short[at]) at++;
  return at === short.length;
};

/** How far off a name is; a prefix (`timeout` of `timeoutSeconds`) and an abbreviation count as near. */
const remoteness = (name: string, candidate: string): number => {
  const a = folded(name);
  const b = folded(candidate);
  if (a === b) return 0;
  const isPrefix = a.length >= 3 && b.length >= 3 && (b.startsWith(a) || a.startsWith(b));
  const steps = distance(a, b);
  return isPrefix || isAbbreviation(a, b) ? Math.min(steps, 1) : steps;
};

/** Undefined when nothing is near enough to be a help. */
export const nearestName = (name: string, candidates: Iterable<string>): string | undefined => {
  if (name === '' || name.length > longestCompared) return undefined;
  const farthest = Math.max(1, Math.floor(folded(name).length / 3));
  let best: { readonly candidate: string; readonly remoteness: number } | undefined;
  for (const candidate of candidates) {
    if (candidate === name || candidate.length > longestCompared) continue;
    const found = remoteness(name, candidate);
    if (found <= farthest && (best === undefined || found < best.remoteness)) {
      best = { candidate, remoteness: found };
    }
  }
  return best?.candidate;
};

export const didYouMean = (name: string, candidates: Iterable<string>): string | undefined => {
  const nearest = nearestName(name, candidates);
  return nearest === undefined ? undefined : `did you mean "${nearest}"?`;
};
