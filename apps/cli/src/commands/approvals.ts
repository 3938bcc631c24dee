import { Command } from 'commander';
import { type Approval, approval } from '../api-types.js';
import { type CliContext, contextOf } from '../context.js';
import { CliError, exitCodes } from '../exit-code.js';
import { readJsonOption } from '../json-option.js';
import { table } from '../output.js';

const list = async (options: { all?: boolean }, command: Command): Promise<void> => {
  const { api, output } = contextOf(command);
  const query = options.all === true ? '' : '?status=pending';
  const found = await api.list(`/api/v1/workflow-approvals${query}`, approval);
  output.show(found, (approvals) =>
    table(
      ['approval', 'run', 'workflow', 'status', 'since', 'asks', 'approvers'],
      approvals.map((each) => [
        each.approvalId,
        each.runId,
        each.workflowId,
        each.status,
        each.requestedAt,
        each.message,
        each.approvers.join(', ') || 'anyone but the requester',
      ]),
      'nothing waits for a decision',
    ),
  );
};

const find = async ({ api }: CliContext, approvalId: string): Promise<Approval> => {
  const found = (await api.list('/api/v1/workflow-approvals', approval)).find(
    (each) => each.approvalId === approvalId,
  );
  if (found === undefined)
    throw new CliError(
      `there is no approval ${approvalId}; signalbox approvals list shows what waits`,
      exitCodes.refused,
    );
  return found;
};

interface DecideOptions {
  readonly comment?: string;
  readonly data?: string;
  readonly run?: string;
}

const decide =
  (verb: 'approve' | 'reject') =>
  async (approvalId: string, options: DecideOptions, command: Command): Promise<void> => {
    const context = contextOf(command);
    const runId = options.run ?? (await find(context, approvalId)).runId;
    const { body } = await context.api.send(
      'POST',
      `/api/v1/workflow-runs/${runId}/approvals/${approvalId}/${verb}`,
      {
        json: {
          ...(options.comment === undefined ? {} : { comment: options.comment }),
          ...(options.data === undefined ? {} : { data: readJsonOption('--data', options.data) }),
        },
      },
    );
    const parsed = approval.safeParse(body);
    context.output.show(
      body,
      () => `approval ${approvalId} is ${parsed.success ? parsed.data.status : 'sent'}`,
    );
  };

export const approvalCommands = (): Command => {
  const command = new Command('approvals').description('decisions that runs wait for');
  command
    .command('list')
    .description('what waits for a decision')
    .option('--all', 'decided ones too')
    .action(list);
  for (const verb of ['approve', 'reject'] as const) {
    command
      .command(`${verb} <approval>`)
      .description(`${verb} a request`)
      .option('--comment <text>', 'kept with the decision')
      .option('--data <json>', "becomes `data` of the step's output")
      .option('--run <id>', 'the run, if known: saves looking it up')
      .action(decide(verb));
  }
  return command;
};
