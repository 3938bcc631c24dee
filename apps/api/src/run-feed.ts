/** Says that a run has new events, to the streams that follow it. */
export class RunFeed {
  readonly #followers = new Map<string, Set<() => void>>();
  #isEnding = false;

  /** The process stops: every stream ends. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  /**
   * `onNews` is called after the commit of each batch that touched the run, and when the process stops. The returned function
   * ends that.
   */
  follow(runId: string, onNews: () => void): () => void {
    const followers = this.#followers.get(runId) ?? new Set();
    this.#followers.set(runId, followers.add(onNews));
    return () => {
      followers.delete(onNews);
      if (followers.size === 0 && this.#followers.get(runId) === followers) this.#followers.delete(runId);
    };
  }

  /** Runs that somebody follows. */
  get followedCount(): number {
    return this.#followers.size;
  }

  tell(runIds: ReadonlySet<string>): void {
    if (this.#followers.size === 0) return;
    for (const runId of runIds) for (const onNews of this.#followers.get(runId) ?? []) onNews();
  }

  close(): void {
    this.#isEnding = true;
    this.tell(new Set(this.#followers.keys()));
  }
}
