/**
 * Messages that went out one behind the other on one connection, into one stream. The stream numbers what it stores one by
 * one, so when the last is stored as many numbers behind the first as it was sent, all between them are stored too: only
 * the ends ask for an acknowledgement. It proves nothing once a part of it is sent again: the number may then be that of
 * the second sending.
 *
 * Where others publish into the stream, too, what they say may lie between: numbers that are too few refute such a row, and
 * numbers that are enough do not prove it quite. It is for messages of which somebody looks now and then whether
 * they are there.
 */

export type RowKind =
  /** Nobody else publishes into the stream, and it keeps everything. */
  | 'sole'
  /** Others do, and what is missing is found and sent again by whoever gives these. */
  | 'watched';

interface Member {
  readonly rowKind: RowKind | undefined;
}

/** Of fewer each asks for its own acknowledgement. */
const minLength = 3;

export class Row<M extends Member> {
  #first: number | undefined;
  #last: number | undefined;

  constructor(
    readonly kind: RowKind,
    readonly members: readonly M[],
  ) {}

  isInside(member: M): boolean {
    return member !== this.members[0] && member !== this.members[this.members.length - 1];
  }

  /** Where the stream has stored one of its ends; `open` until both are known. */
  note(end: M, sequence: number): 'open' | 'proven' | 'refuted' {
    if (end === this.members[0]) this.#first = sequence;
    else this.#last = sequence;
    if (this.#first === undefined || this.#last === undefined) return 'open';
    const strangerCount = this.#last - this.#first - this.members.length + 1;
    return strangerCount === 0 || (strangerCount > 0 && this.kind === 'watched') ? 'proven' : 'refuted';
  }

  /** All but the ends, each with its number in the stream if the row is proven, and nobody else's message is in it. */
  *inside(): Iterable<[member: M, sequence: number | undefined]> {
    const first = this.#first ?? 0;
    const isWhole = this.#last === first + this.members.length - 1;
    for (let place = 1; place < this.members.length - 1; place++)
      yield [this.members[place] as M, isWhole ? first + place : undefined];
  }
}

/** The rows in what goes out next. */
export function rowsOf<M extends Member>(going: readonly M[]): Row<M>[] {
  const rows: Row<M>[] = [];
  let from = 0;
  for (let to = 1; to <= going.length; to++) {
    const kind = going[from]?.rowKind;
    if (to < going.length && going[to]?.rowKind === kind) continue;
    if (kind !== undefined && to - from >= minLength) rows.push(new Row(kind, going.slice(from, to)));
    from = to;
  }
  return rows;
}
