/**
 * What a stream says about itself: which installation it belongs to, and whether its log is whole. It is kept in the
 * stream's description, because nats-server 2.9 keeps no metadata.
 */
export interface StreamIdentity {
  readonly installationId: string;
  /** The orchestrator process that has begun its work last, by an id of its own: no other may go on. */
  readonly holder: string;
  /** False while a log that was lost is being published again: who builds on it now builds on a part. */
  readonly isWhole: boolean;
}

const pattern =
  /^signalbox installation ([A-Za-z0-9_-]{1,128}), held by ([A-Za-z0-9_-]{1,128})(, being restored)?$/;

export const describeStream = ({ installationId, holder, isWhole }: StreamIdentity): string =>
  `signalbox installation ${installationId}, held by ${holder}${isWhole ? '' : ', being restored'}`;

/** Undefined for a stream that nobody of ours has described. */
export const readStreamIdentity = (description: string | undefined): StreamIdentity | undefined => {
  const [, installationId, holder, isRestored] = pattern.exec(description ?? '') ?? [];
  if (installationId === undefined || holder === undefined) return undefined;
  return { installationId, holder, isWhole: isRestored === undefined };
};
