/**
 * Solves goals about strings: lengths, patterns, formats and excluded words become languages, and a word of their intersection is sought.
 */
import { type Constraint, EMPTY, type Outcome, type Prover, unknownBecause } from './constraint.js';
import { formatNamed } from './formats.js';
import type { Fuel } from './fuel.js';
import {
  complementLanguage,
  findWord,
  type Language,
  languageContains,
  languageOfWords,
} from './regex/language.js';

interface StringGoal {
  min: number;
  max: number;
  /** Contains every string of the goal, and perhaps more. */
  outer: Language[];
  /** Strings of these are in the goal, apart from formats that are not known and are assumed to hold. */
  inner: Language[];
  /** `outer` and `inner` are the same. */
  isExact: boolean;
  /** Nothing is known of some constraint, so that no candidate can be confirmed. */
  isBlind: boolean;
}

export function solveString(constraints: readonly Constraint[], prover: Prover, fuel: Fuel): Outcome {
  if (contradicts(constraints)) return EMPTY;
  const goal = goalOf(constraints, fuel);
  if (goal.min > goal.max) return EMPTY;
  prover.spend(goal.outer.length);
  const outer = findWord(goal.outer, goal.min, goal.max, fuel);
  if (outer.found === 'none') return EMPTY;
  if (goal.isBlind) return unknownBecause('a pattern or format is outside what can be decided');
  if (goal.isExact && outer.found === 'word') return { kind: 'witness', value: outer.word };
  const inner = findWord(goal.inner, goal.min, goal.max, fuel);
  if (inner.found === 'word') return { kind: 'witness', value: inner.word };
  if (outer.found === 'word') return { kind: 'witness', value: outer.word };
  return unknownBecause('no string was found that meets the patterns, formats and lengths');
}

function contradicts(constraints: readonly Constraint[]): boolean {
  const demands = new Set<string>();
  for (const item of constraints) {
    if (item.kind === 'pattern') demands.add(`${item.holds}pattern ${item.pattern.source}`);
    if (item.kind === 'format') demands.add(`${item.holds}format ${item.name}`);
  }
  for (const demand of demands) {
    if (demand.startsWith('true') && demands.has(`false${demand.slice(4)}`)) return true;
  }
  return false;
}

function goalOf(constraints: readonly Constraint[], fuel: Fuel): StringGoal {
  const goal: StringGoal = {
    min: 0,
    max: Number.POSITIVE_INFINITY,
    outer: [],
    inner: [],
    isExact: true,
    isBlind: false,
  };
  const excluded = new Set<string>();
  const seen = new Set<Language>();
  for (const item of constraints) {
    switch (item.kind) {
      case 'minLength':
        goal.min = Math.max(goal.min, item.value);
        break;
      case 'maxLength':
        goal.max = Math.min(goal.max, item.value);
        break;
      case 'pattern': {
        const language = item.pattern.language;
        if (language === undefined) goal.isBlind = true;
        else if (!seen.has(language)) {
          seen.add(language);
          add(goal, item.holds ? language : complementLanguage(language));
        }
        break;
      }
      case 'format':
        addFormat(goal, item.name, item.holds);
        break;
      case 'notValues':
        for (const value of item.values) if (typeof value === 'string') excluded.add(value);
        break;
      default:
    }
  }
  if (excluded.size > 0) {
    const relevant = [...excluded].filter((word) => couldBe(goal, word, fuel));
    if (relevant.length > 0) add(goal, complementLanguage(languageOfWords(relevant, fuel)));
  }
  return goal;
}

/** Leaves excluded words out that the goal excludes anyway; fewer words make a smaller automaton. */
function couldBe(goal: StringGoal, word: string, fuel: Fuel): boolean {
  const length = [...word].length;
  if (length < goal.min || length > goal.max) return false;
  return goal.outer.every((language) => languageContains(language, word, fuel));
}

function add(goal: StringGoal, language: Language): void {
  goal.outer.push(language);
  goal.inner.push(language);
}

function addFormat(goal: StringGoal, name: string, holds: boolean): void {
  const format = formatNamed(name);
  if (format.outer !== undefined && format.outer === format.inner) {
    add(goal, holds ? format.outer : complementLanguage(format.outer));
    return;
  }
  goal.isExact = false;
  if (holds) {
    if (format.outer !== undefined) goal.outer.push(format.outer);
    if (format.inner !== undefined) goal.inner.push(format.inner);
    else if (!format.isIgnorable) goal.isBlind = true;
    return;
  }
  if (format.inner !== undefined) goal.outer.push(complementLanguage(format.inner));
  if (format.outer !== undefined) goal.inner.push(complementLanguage(format.outer));
  else if (format.check === undefined) goal.isBlind = true;
}
