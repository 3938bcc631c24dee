/** A set of numbers that mostly follow one another: those that come in order cost one pair for a whole stretch. */
export class Intervals {
  /** Sorted, disjoint, not adjacent. */
  #stretches: { from: number; to: number }[] = [];

  add(value: number): void {
    const last = this.#stretches.at(-1);
    if (last === undefined || value > last.to + 1) this.#stretches.push({ from: value, to: value });
    else if (value === last.to + 1) last.to = value;
    else this.#insert(value);
  }

  has(value: number): boolean {
    const stretch = this.#stretches[this.#indexOf(value)];
    return stretch !== undefined && stretch.from <= value;
  }

  /** Of the first stretch that does not end before the value. */
  #indexOf(value: number): number {
    let low = 0;
    let high = this.#stretches.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#stretches[middle]?.to ?? 0) < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #insert(value: number): void {
    const index = this.#indexOf(value);
    const next = this.#stretches[index];
    if (next !== undefined && next.from <= value) return;
    const before = this.#stretches[index - 1];
    const isBehind = before !== undefined && before.to === value - 1;
    const isBefore = next !== undefined && next.from === value + 1;
    if (isBehind && isBefore) {
      before.to = next.to;
      this.#stretches.splice(index, 1);
    } else if (isBehind) before.to = value;
    else if (isBefore) next.from = value;
    else this.#stretches.splice(index, 0, { from: value, to: value });
  }
}
