/**
 * What is known of each `format`, held to the definitions of ajv-formats (the validator that runs checks at run time).
 *
 * A format is known by two patterns: every valid string matches `outer`, every string that matches `inner` is valid.
 * 1. Where both are the same the format is decided completely. Where they differ `check` decides, and without `check` the rest is unknown.
 * 2. A format that is not in the table may mean anything: it has neither pattern. Validators ignore it, so a
 *    counterexample may assume that it holds, and a proof may assume nothing.
 */
import type { Fuel } from './fuel.js';
import { type Language, languageContains, languageOf } from './regex/language.js';

interface FormatSource {
  outer?: string;
  inner?: string;
  check?: (text: string) => boolean;
  /** Validators of JSON Schema commonly ignore it. */
  isOftenIgnored?: boolean;
}

const HEX4 = '[0-9a-f]{1,4}';
const BYTE = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const IPV4 = `(?:${BYTE}\\.){3}${BYTE}`;
const LOOSE_BYTE = '(?:25[0-5]|2[0-4]\\d|[01]?\\d\\d?)';

function ipv6(): string {
  const forms = [`(?:${HEX4}:){7}(?:${HEX4}|:)`];
  for (let before = 6; before >= 1; before -= 1) {
    const groups = 7 - before;
    const v4 = groups === 1 ? `:?${IPV4}` : `(?::${HEX4}){0,${groups - 2}}:${IPV4}`;
    const tail = groups === 1 ? `:${HEX4}` : `(?::${HEX4}){1,${groups}}`;
    forms.push(`(?:${HEX4}:){${before}}(?:${tail}|${v4}|:)`);
  }
  forms.push(`:(?:(?::${HEX4}){1,7}|(?::${HEX4}){0,5}:${IPV4}|:)`);
  return `^(?:${forms.join('|').replace(`:?${IPV4}`, IPV4)})$`;
}

const UNRESERVED = "a-z0-9\\-._~!$&'()*+,;=";
const ESCAPED = '%[0-9a-f]{2}';
const SEGMENT_CHARACTER = `(?:[${UNRESERVED}":@]|${ESCAPED})`;

function ipLiteral(): string {
  const pair = `(?:${HEX4}:${HEX4}|(?:${LOOSE_BYTE}\\.){3}${LOOSE_BYTE})`;
  const heads = [`(?:${HEX4}:){6}`, `::(?:${HEX4}:){5}`, `(?:${HEX4})?::(?:${HEX4}:){4}`];
  for (let i = 1; i <= 3; i += 1) heads.push(`(?:(?:${HEX4}:){0,${i}}${HEX4})?::(?:${HEX4}:){${4 - i}}`);
  heads.push(`(?:(?:${HEX4}:){0,4}${HEX4})?::`);
  const v6 = `(?:${heads.join('|')})${pair}|(?:(?:${HEX4}:){0,5}${HEX4})?::${HEX4}|(?:(?:${HEX4}:){0,6}${HEX4})?::`;
  return `\\[(?:(?:${v6})|v[0-9a-f]+\\.[${UNRESERVED}:]+)\\]`;
}

function uriReference(isSchemeOptional: boolean): string {
  const scheme = `(?:[a-z][a-z0-9+\\-.]*:)${isSchemeOptional ? '?' : ''}`;
  const user = `(?:(?:[${UNRESERVED}:]|${ESCAPED})*@)?`;
  const name = isSchemeOptional ? `(?:[${UNRESERVED}"]|${ESCAPED})*` : `(?:[${UNRESERVED}]|${ESCAPED})*`;
  const segment = isSchemeOptional ? SEGMENT_CHARACTER : `(?:[${UNRESERVED}":@]|${ESCAPED})`;
  const host = `(?:${ipLiteral()}|(?:${LOOSE_BYTE}\\.){3}${LOOSE_BYTE}|${name})`;
  const rest = `(?:\\/${segment}*)*`;
  const authority = `\\/?\\/${user}${host}(?::\\d*)?${rest}`;
  const rootless = `${segment}+${rest}`;
  const path = `(?:${authority}|\\/(?:${rootless})?|${rootless})${isSchemeOptional ? '?' : ''}`;
  const tail = `(?:[${UNRESERVED}":@\\/?]|${ESCAPED})*`;
  return `^${scheme}${path}(?:\\?${tail})?(?:#${tail})?$`;
}

const LEAP_YEAR = '(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00|0000)';
const DATE = `(?:\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))|${LEAP_YEAR}-02-29)`;
const OUTER_OFFSET = '(?:z|[+-](?:[01]\\d|2[0-3])(?::?[0-5]\\d)?)';
const OUTER_TIME = `(?:[0-9]\\d):(?:\\d\\d):(?:[0-5]\\d|60)(?:\\.\\d+)?`;
const INNER_TIME = '(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d+)?';

function isTime(text: string, needsOffset: boolean): boolean {
  const match = /^(\d\d):(\d\d):(\d\d(?:\.\d+)?)(z|([+-])(\d\d)(?::?(\d\d))?)?$/i.exec(text);
  if (match === null) return false;
  const [hour, minute, second] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const sign = match[5] === '-' ? -1 : 1;
  const [offsetHour, offsetMinute] = [Number(match[6] ?? 0), Number(match[7] ?? 0)];
  if (offsetHour > 23 || offsetMinute > 59 || (needsOffset && match[4] === undefined)) return false;
  if (hour <= 23 && minute <= 59 && second < 60) return true;
  const utcMinute = minute - offsetMinute * sign;
  const utcHour = hour - offsetHour * sign - (utcMinute < 0 ? 1 : 0);
  return (utcHour === 23 || utcHour === -1) && (utcMinute === 59 || utcMinute === -1) && second < 61;
}

function isDate(text: string): boolean {
  const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  if (match === null) return false;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
  return day >= 1 && day <= days;
}

function isDateTime(text: string, needsOffset: boolean): boolean {
  const parts = text.split(/t|\s/i);
  return parts.length === 2 && isDate(parts[0] ?? '') && isTime(parts[1] ?? '', needsOffset);
}

function isRegex(text: string): boolean {
  if (/[^\\]\\Z/.test(text)) return false;
  try {
    return new RegExp(text) instanceof RegExp;
  } catch (error) {
    return !(error instanceof SyntaxError);
  }
}

function exact(pattern: string): FormatSource {
  return { outer: pattern, inner: pattern };
}

const ATOM = "[a-z0-9!#$%&'*+\\/=?^_`{|}~\\-]+";
const LABEL = '[a-z0-9](?:[a-z0-9\\-]*[a-z0-9])?';
const EMAIL = `^${ATOM}(?:\\.${ATOM})*@(?:${LABEL}\\.)+${LABEL}$`;
const HOST_LABEL = '[a-z0-9](?:[a-z0-9\\-]{0,61}[a-z0-9])?';
const EVERYTHING: FormatSource = exact('');

const SOURCES: Readonly<Record<string, FormatSource>> = {
  date: exact(`^${DATE}$`),
  time: {
    outer: `^${OUTER_TIME}${OUTER_OFFSET}$`,
    inner: `^${INNER_TIME}${OUTER_OFFSET}$`,
    check: (text) => isTime(text, true),
  },
  'date-time': {
    outer: `^${DATE}[t\\s]${OUTER_TIME}${OUTER_OFFSET}$`,
    inner: `^${DATE}[t\\s]${INNER_TIME}${OUTER_OFFSET}$`,
    check: (text) => isDateTime(text, true),
  },
  'iso-time': {
    outer: `^${OUTER_TIME}${OUTER_OFFSET}?$`,
    inner: `^${INNER_TIME}${OUTER_OFFSET}?$`,
    check: (text) => isTime(text, false),
  },
  'iso-date-time': {
    outer: `^${DATE}[t\\s]${OUTER_TIME}${OUTER_OFFSET}?$`,
    inner: `^${DATE}[t\\s]${INNER_TIME}${OUTER_OFFSET}?$`,
    check: (text) => isDateTime(text, false),
  },
  duration: exact(
    '^P(?:(?:\\d+Y(?:\\d+M)?(?:\\d+D)?|\\d+M(?:\\d+D)?|\\d+D)(?:T(?:\\d+H(?:\\d+M)?(?:\\d+S)?|\\d+M(?:\\d+S)?|\\d+S))?|T(?:\\d+H(?:\\d+M)?(?:\\d+S)?|\\d+M(?:\\d+S)?|\\d+S)|\\d+W)$',
  ),
  uri: exact(uriReference(false)),
  'uri-reference': exact(uriReference(true)),
  'uri-template': exact(
    '^(?:[^\\x00-\\x20"\'<>%\\\\\\^`{|}]|%[0-9a-f]{2}|\\{[+#.\\/;?&=,!@|]?(?:[a-z0-9_]|%[0-9a-f]{2})+(?::[1-9][0-9]{0,3}|\\*)?(?:,(?:[a-z0-9_]|%[0-9a-f]{2})+(?::[1-9][0-9]{0,3}|\\*)?)*\\})*$',
  ),
  url: { inner: '^https:\\/\\/[a-z]{2,}\\.com(?:\\/[a-z]*)?$' },
  email: exact(EMAIL),
  hostname: {
    outer: `^${HOST_LABEL}(?:\\.${HOST_LABEL})*\\.?$`,
    inner: `^(?=.{1,253}$)${HOST_LABEL}(?:\\.${HOST_LABEL})*$`,
    check: (text) => text.replace(/\.$/, '').length <= 253,
  },
  ipv4: exact(`^${IPV4}$`),
  ipv6: exact(ipv6()),
  regex: { inner: '^[a-z]*$', check: isRegex },
  uuid: exact('^(?:urn:uuid:)?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$'),
  'json-pointer': exact('^(?:\\/(?:[^~\\/]|~0|~1)*)*$'),
  'json-pointer-uri-fragment': exact("^#(?:\\/(?:[a-z0-9_\\-.!$&'()*+,;:=@]|%[0-9a-f]{2}|~0|~1)*)*$"),
  'relative-json-pointer': exact('^(?:0|[1-9][0-9]*)(?:#|(?:\\/(?:[^~\\/]|~0|~1)*)*)$'),
  byte: {
    inner: '^(?:[A-Za-z0-9+\\/]{4})*(?:[A-Za-z0-9+\\/]{2}==|[A-Za-z0-9+\\/]{3}=)?$',
    check: (text) => /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/m.test(text),
  },
  password: EVERYTHING,
  binary: EVERYTHING,
  'idn-email': { inner: EMAIL, isOftenIgnored: true },
  'idn-hostname': { inner: `^(?=.{1,253}$)${HOST_LABEL}(?:\\.${HOST_LABEL})*$`, isOftenIgnored: true },
  iri: { inner: uriReference(false), isOftenIgnored: true },
  'iri-reference': { inner: uriReference(true), isOftenIgnored: true },
};

/** Formats whose letters are matched in the case written. */
const CASE_SENSITIVE = new Set(['duration', 'byte', 'relative-json-pointer', 'json-pointer', 'url', 'regex']);

/** `always` where the format says nothing about strings, `undefined` languages where nothing is known. */
export interface Format {
  readonly name: string;
  readonly outer: Language | undefined;
  readonly inner: Language | undefined;
  readonly isIgnorable: boolean;
  readonly check: ((text: string) => boolean) | undefined;
}

const formats = new Map<string, Format>();

const languages = new Map<string, Language | undefined>();

/** Formats of the same pattern share one language, so that one is seen to be contained in the other without any search. */
function languageIn(name: string, pattern: string | undefined): Language | undefined {
  if (pattern === undefined) return undefined;
  const ignoreCase = !CASE_SENSITIVE.has(name);
  const key = `${ignoreCase} ${pattern}`;
  if (!languages.has(key)) languages.set(key, languageOf(pattern, ignoreCase));
  return languages.get(key);
}

/** The format of this name. Known formats are made once, on first use; what they are depends on nothing but the name. */
export function formatNamed(name: string): Format {
  const known = formats.get(name);
  if (known !== undefined) return known;
  if (!Object.hasOwn(SOURCES, name)) {
    return { name, outer: undefined, inner: undefined, isIgnorable: true, check: undefined };
  }
  const source = SOURCES[name] ?? {};
  const outer = languageIn(name, source.outer);
  const format: Format = {
    name,
    outer,
    inner: languageIn(name, source.inner),
    isIgnorable: source.isOftenIgnored === true,
    check: source.check,
  };
  formats.set(name, format);
  return format;
}

/** Formats of ajv-formats that speak of numbers, as bounds; undefined for every other name. */
export function numberFormat(name: string): { isInteger: boolean; low: number; high: number } | undefined {
  if (name === 'int32') return { isInteger: true, low: -(2 ** 31), high: 2 ** 31 - 1 };
  if (name === 'int64') {
    return { isInteger: true, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  }
  return undefined;
}

export function saysNothingOfStrings(name: string): boolean {
  return ['int32', 'int64', 'float', 'double'].includes(name);
}

export function formatAccepts(format: Format, text: string, fuel: Fuel): boolean | undefined {
  if (format.outer !== undefined && !languageContains(format.outer, text, fuel)) return false;
  if (format.outer !== undefined && format.outer === format.inner) return true;
  if (format.inner !== undefined && languageContains(format.inner, text, fuel)) return true;
  if (format.check === undefined) return undefined;
  fuel.spend(text.length);
  return format.check(text);
}
