/**
 * What a stream says about itself: which installation it belongs to, which stream it is, and whether its log is whole. It
 * is kept in the stream's description, because nats-server 2.9 keeps no metadata. When a stream was made does not tell
 * which one it is: after a change of its settings a server that is started again takes another instant for that.
 */
export interface StreamIdentity {
  readonly installationId: string;
  /** Given when it is made: one that was made anew has another. */
  readonly streamId: string;
  /** The orchestrator process that has begun its work last, by an id of its own: no other may go on. */
  readonly holder: string;
  /** False while a log that was lost is being published again: who builds on it now builds on a part. */
  readonly isWhole: boolean;
  /** After a loss only the end of the history was published into it: its limits have no room for more. */
  readonly isCut: boolean;
}

const pattern =
  /^signalbox installation ([A-Za-z0-9_-]{1,128}), stream ([A-Za-z0-9_-]{1,128}), held by ([A-Za-z0-9_-]{1,128})(, without its beginning)?(, being restored)?$/;

export const describeStream = ({
  installationId,
  streamId,
  holder,
  isWhole,
  isCut,
}: StreamIdentity): string =>
  `signalbox installation ${installationId}, stream ${streamId}, held by ${holder}${isCut ? ', without its beginning' : ''}${isWhole ? '' : ', being restored'}`;

/** Undefined for a stream that nobody of ours has described. */
export const readStreamIdentity = (description: string | undefined): StreamIdentity | undefined => {
  const [, installationId, streamId, holder, cut, isRestored] = pattern.exec(description ?? '') ?? [];
  if (installationId === undefined || streamId === undefined || holder === undefined) return undefined;
  return { installationId, streamId, holder, isWhole: isRestored === undefined, isCut: cut !== undefined };
};
