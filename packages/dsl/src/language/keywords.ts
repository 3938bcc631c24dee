/** Words of Starlark, those it keeps for later too, and the language's own constants: none of them is a name. */
export const keywords: ReadonlySet<string> = new Set(
  (
    'true false null True False None and or not in if else for while def lambda return break continue pass load ' +
    'as assert async await class del except finally from global import is nonlocal raise try with yield'
  ).split(' '),
);
