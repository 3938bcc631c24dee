/** `/api/v1/agents` and `/api/v1/teams`: what workflows refer to by name. */
import { createRoute, z } from '@hono/zod-openapi';
import { limits } from '@signalbox/dsl';
import { type CatalogCommand, maxNameLength } from '@signalbox/protocol';
import type { Context } from 'hono';
import { orProblem } from '../commands/submit.js';
import { agentResource, agentSummary, teamsResource } from '../resources/catalog.js';
import type { ApiContext } from './api-context.js';
import { commandBase } from './command-base.js';
import { requireFittingText } from './fitting.js';
import { problem } from './problem.js';
import {
  actorHeaders,
  createRouter,
  jsonAnswer,
  problemAnswer,
  unconfirmed,
  unconfirmedAnswer,
} from './routing.js';
import { readSource, sourceBody } from './source-body.js';

const root = '/api/v1/agents';
const teamsRoot = '/api/v1/teams';
const tags = ['agents'];
const nameParam = z.object({ name: z.string().min(1).max(maxNameLength) });

const listRoute = createRoute({
  method: 'get',
  path: root,
  tags,
  summary: 'Every agent, by name',
  responses: { 200: jsonAnswer(z.object({ items: z.array(agentSummary) }), 'Agents.'), ...problemAnswer },
});

const getRoute = createRoute({
  method: 'get',
  path: `${root}/{name}`,
  tags,
  summary: 'An agent with its source',
  request: { params: nameParam },
  responses: { 200: jsonAnswer(agentResource, 'The agent.'), ...problemAnswer },
});

const putRoute = createRoute({
  method: 'put',
  path: `${root}/{name}`,
  tags,
  summary: 'Make a new version of an agent, or the first',
  request: { params: nameParam, headers: actorHeaders, body: sourceBody },
  responses: {
    200: jsonAnswer(agentResource, 'A new version, or the same as before.'),
    201: jsonAnswer(agentResource, 'The first version.'),
    ...unconfirmedAnswer,
    ...problemAnswer,
  },
});

const deleteRoute = createRoute({
  method: 'delete',
  path: `${root}/{name}`,
  tags,
  summary: 'Delete an agent; runs under way keep the version they began with',
  request: { params: nameParam, headers: actorHeaders },
  responses: { 204: { description: 'Deleted.' }, ...unconfirmedAnswer, ...problemAnswer },
});

const getTeamsRoute = createRoute({
  method: 'get',
  path: teamsRoot,
  tags: ['teams'],
  summary: 'The teams of the workspace',
  responses: { 200: jsonAnswer(teamsResource, 'Teams.'), ...problemAnswer },
});

const putTeamsRoute = createRoute({
  method: 'put',
  path: teamsRoot,
  tags: ['teams'],
  summary: 'Replace the teams of the workspace',
  request: { headers: actorHeaders, body: sourceBody },
  responses: { 200: jsonAnswer(teamsResource, 'Teams.'), ...unconfirmedAnswer, ...problemAnswer },
});

export const agentRoutes = (api: ApiContext) => {
  const router = createRouter();
  router.openapi(listRoute, (c) => c.json({ items: api.readModel.listAgents() }, 200));
  router.openapi(getRoute, (c) => c.json(requireAgent(api, c.req.valid('param').name), 200));
  router.openapi(putRoute, async (c) => {
    const { name } = c.req.valid('param');
    const command = {
      ...commandBase(api.workspace, c),
      type: 'put_agent' as const,
      name,
      source: await readFitting(c, 'The agent'),
    };
    const location = `${root}/${encodeURIComponent(name)}`;
    const done = await submitted(api, command);
    if (done.kind === 'unconfirmed') return unconfirmed(c, command.commandId, location);
    const { data } = done.event;
    const isFirst = data.type === 'catalog.agent_put' && data.changed && data.version === 1;
    const agent = requireAgent(api, name);
    return isFirst ? c.json(agent, 201, { location }) : c.json(agent, 200);
  });
  router.openapi(deleteRoute, async (c) => {
    const { name } = c.req.valid('param');
    const command = { ...commandBase(api.workspace, c), type: 'delete_agent' as const, name };
    const done = await submitted(api, command);
    if (done.kind === 'unconfirmed')
      return unconfirmed(c, command.commandId, `${root}/${encodeURIComponent(name)}`);
    return c.body(null, 204);
  });
  return router;
};

export const teamRoutes = (api: ApiContext) => {
  const router = createRouter();
  router.openapi(getTeamsRoute, (c) => c.json(requireTeams(api), 200));
  router.openapi(putTeamsRoute, async (c) => {
    const command = {
      ...commandBase(api.workspace, c),
      type: 'put_teams' as const,
      source: await readFitting(c, 'The teams file'),
    };
    const done = await submitted(api, command);
    if (done.kind === 'unconfirmed') return unconfirmed(c, command.commandId, teamsRoot);
    return c.json(requireTeams(api), 200);
  });
  return router;
};

const requireAgent = (api: ApiContext, name: string) => {
  const agent = api.readModel.findAgent(name);
  if (agent === undefined) throw problem('AGENT_NOT_FOUND', `There is no agent "${name}"`);
  return agent;
};

const requireTeams = (api: ApiContext) => {
  const teams = api.readModel.findTeams();
  if (teams === undefined) throw problem('TEAMS_NOT_FOUND', 'No teams have been put yet');
  return teams;
};

const submitted = async (api: ApiContext, command: CatalogCommand) =>
  orProblem(await api.submit({ kind: 'catalog', command }));

const readFitting = async (c: Context, what: string): Promise<string> => {
  const source = await readSource(c);
  requireFittingText(what, source, limits.maxAgentBytes);
  return source;
};
