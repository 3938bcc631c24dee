/** What an orchestrator tells of itself, where it is asked who else is there. */
import { z } from 'zod';
import { parseJson } from './incoming-text.js';
import { presenceSubjects } from './subjects.js';

const orchestratorCard = z.object({
  instanceId: z.string(),
  startedAt: z.number(),
  /** Absent before its first start has made one. */
  installationId: z.string().optional(),
  host: z.string(),
  pid: z.number(),
  isAtWork: z.boolean(),
});
export type OrchestratorCard = Readonly<z.infer<typeof orchestratorCard>>;

export const encodeCard = (card: OrchestratorCard): string => JSON.stringify(card);

/** @throws ContractError */
export const decodeCard = (text: string): OrchestratorCard =>
  parseJson(orchestratorCard, text, presenceSubjects.orchestrator);
