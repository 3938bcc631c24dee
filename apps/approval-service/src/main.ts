/** The approval service: claims `wf.task.approval.>`, knows what is pending from the event stream, sends decisions on. */
import { consumeEach, createDeadLetterReporter, createPublisher, openConnection } from '@signalbox/messaging';
import { busUsers, consumers } from '@signalbox/protocol';
import { runService } from '@signalbox/service';
import { ApprovalBook } from './approval-book.js';
import { parseConfig } from './config.js';
import { followEvents } from './follow-events.js';
import { createApprovalHandler } from './handle-approval-task.js';
import { createLogNotifier } from './notifier.js';
import { Teams } from './teams.js';

const { name, inboxPrefix, apiPrefix } = busUsers.approvalService;

await runService({
  name,
  parseConfig,
  start: async ({ config, logger, scope, signal, fail, waitFor }) => {
    const connection = scope.use(
      await waitFor(
        'nats-server',
        openConnection({ ...config.bus, inboxPrefix, apiPrefix, name, logger, signal }),
      ),
    );
    const consumer = consumers.approvalService;

    const publisher = scope.use(createPublisher(connection));
    const book = new ApprovalBook();
    const teams = new Teams();
    const follower = followEvents({
      connection,
      signal,
      logger,
      onApprovalEvent: (envelope) => book.apply(envelope),
      onCatalogEvent: (envelope) => teams.apply(envelope),
    });
    follower.done.catch(fail);
    // Before that, a decision on a pending approval would be refused as unknown.
    await waitFor('what the log says of approvals and teams', follower.caughtUp);

    const consumption = scope.use(
      consumeEach(connection, {
        stream: consumer.stream,
        durable: consumer.durable,
        maxInFlight: 64,
        logger,
        handler: createApprovalHandler({
          book,
          teams,
          notifier: createLogNotifier(logger),
          connection,
          publisher,
          deadLetters: createDeadLetterReporter({
            connection,
            publisher,
            workspace: config.workspace,
            reportedBy: name,
          }),
          logger,
          signal,
        }),
      }),
    );
    consumption.done.catch(fail);
    return { pending_count: book.pendingCount };
  },
});
