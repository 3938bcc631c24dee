/** Conformance cases that do not pass, by id, each with the reason. */
export const knownFailures: Readonly<Record<string, string>> = {
  '72ffc0de20':
    'int("0b0", 16) is 176 in hexadecimal digits; the pinned interpreter takes 0b for the prefix of a binary number',
};
