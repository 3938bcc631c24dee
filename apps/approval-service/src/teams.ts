/** Who belongs to which team, as the catalog's events say; the newest statement about a workspace counts. */
import type { EventEnvelope } from '@signalbox/protocol';

export interface TeamDirectory {
  /** `team` without its prefix. An unknown team has no members. */
  readonly has: (workspace: string, team: string, actor: string) => boolean;
}

interface WorkspaceTeams {
  /** Of the event that said so: a repeated publish may be stored behind a newer one. */
  readonly sequence: number;
  readonly members: ReadonlyMap<string, ReadonlySet<string>>;
}

export class Teams implements TeamDirectory {
  readonly #byWorkspace = new Map<string, WorkspaceTeams>();

  /** Applies one event; those that say nothing about teams change nothing. */
  apply({ data, workspace, sequence }: EventEnvelope): void {
    if (data.type !== 'catalog.teams_put') return;
    if (sequence < (this.#byWorkspace.get(workspace)?.sequence ?? 0)) return;
    const members = new Map(Object.entries(data.teams).map(([team, actors]) => [team, new Set(actors)]));
    this.#byWorkspace.set(workspace, { sequence, members });
  }

  has(workspace: string, team: string, actor: string): boolean {
    return this.#byWorkspace.get(workspace)?.members.get(team)?.has(actor) ?? false;
  }
}
