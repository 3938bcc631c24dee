import { expect } from 'vitest';
import { triage } from './workflows.js';
import type { World } from './world.js';

export const runs = '/api/v1/workflow-runs';
export const workflows = '/api/v1/workflows';
export const alice = { 'x-signalbox-actor': 'user:alice' };

export const startTriage = async (world: World, urgent: boolean): Promise<string> => {
  await world.call('PUT', `${workflows}/triage`, triage);
  const input = { service: 'web', urgent };
  const started = await world.call('POST', runs, { workflow: 'triage', input }, alice);
  expect(started.status).toBe(201);
  return started.body.runId;
};
