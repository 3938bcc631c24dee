/**
 * Messages that went out one behind the other on one connection, into a stream into which nobody else publishes. The stream
 * numbers what it stores one by one, so when the last is stored as many numbers behind the first as it was sent, all between
 * them are stored too: only the ends ask for an acknowledgement.
 *
 * It proves nothing once a part of it is sent again: the number may then be that of the second sending.
 */

interface Member {
  readonly isSole: boolean;
}

/** Of fewer each asks for its own acknowledgement. */
const minLength = 3;

export class Row<M extends Member> {
  #first: number | undefined;
  #last: number | undefined;

  constructor(readonly members: readonly M[]) {}

  isInside(member: M): boolean {
    return member !== this.members[0] && member !== this.members[this.members.length - 1];
  }

  /** Where the stream has stored one of its ends; `open` until both are known. */
  note(end: M, sequence: number): 'open' | 'proven' | 'refuted' {
    if (end === this.members[0]) this.#first = sequence;
    else this.#last = sequence;
    if (this.#first === undefined || this.#last === undefined) return 'open';
    return this.#last - this.#first === this.members.length - 1 ? 'proven' : 'refuted';
  }

  /** All but the ends, each with its number in the stream if the row is proven. */
  *inside(): Iterable<[member: M, sequence: number]> {
    for (let place = 1; place < this.members.length - 1; place++)
      yield [this.members[place] as M, (this.#first ?? 0) + place];
  }
}

/** The rows in what goes out next. */
export function rowsOf<M extends Member>(going: readonly M[]): Row<M>[] {
  const rows: Row<M>[] = [];
  let from = 0;
  for (let to = 0; to <= going.length; to++) {
    if (going[to]?.isSole === true) continue;
    if (to - from >= minLength) rows.push(new Row(going.slice(from, to)));
    from = to + 1;
  }
  return rows;
}
