// cspell:ignore eror
/** What each workflow of `examples/environments/language` must do: its warnings, and every run with its end. */
import type { RunExpectation } from './examples-run.js';

export interface ExampleExpectation {
  /** `<code> <JSON pointer>`, in order. */
  readonly warnings?: readonly string[];
  readonly runs: readonly RunExpectation[];
}

const skipped = { status: 'SKIPPED', error: { code: 'PROVIDER_UNAVAILABLE' } };

const operations: Record<string, ExampleExpectation> = {
  'operation-agent-run': {
    runs: [
      {
        input: { host: 'db-1' },
        output: {
          steps: { check: { host: 'db-1', percent: 97 } },
          message: { result: 'Done: Tell that db-1 is 97 % full' },
        },
        path: ['check', 'tell'],
      },
      { input: {}, refused: 'INVALID_INPUT' },
    ],
  },
  'operation-previous-output': {
    runs: [{ input: { host: 'db-1' }, output: { host: 'db-1', freed: 37 } }],
  },
  'operation-retry': {
    runs: [
      {
        output: { steps: { probe: { healthy: true } }, reason: 'PROVIDER_UNAVAILABLE' },
        path: ['probe', 'probe_once', 'give_up'],
        steps: {
          probe: { status: 'SUCCEEDED', attempt: 2 },
          probe_once: { status: 'FAILED', attempt: 1 },
        },
      },
    ],
  },
  'operation-catch': {
    runs: [
      {
        output: { code: 'PROVIDER_UNAVAILABLE', worthTryingLater: true },
        path: ['probe', 'no_answer'],
        steps: { probe: { status: 'FAILED', attempt: 2 } },
      },
    ],
  },
  'operation-optional': { runs: [{ output: { probed: false }, steps: { probe: skipped } }] },
  'operation-timeout': {
    runs: [{ output: 'STEP_TIMEOUT', path: ['probe', 'unknown'] }],
  },
  'operation-output-validation': {
    runs: [
      {
        output: { steps: { lenient: { count: 'about seven' }, strict: { count: 7 } } },
        steps: {
          lenient: { attempt: 1, warnings: [{ code: 'SCHEMA_VALIDATION_OUTPUT' }] },
          strict: { attempt: 2, warnings: [] },
        },
      },
    ],
  },
  'operation-input-refused': {
    runs: [
      { input: { host: 'web-1' }, output: { steps: { check: { percent: 41 } } } },
      {
        input: { host: 7 },
        status: 'FAILED',
        error: 'SCHEMA_VALIDATION_INPUT',
        steps: { check: { status: 'FAILED', attempt: 1 } },
      },
    ],
  },
  'operation-target-agent': { runs: [{ output: true, steps: { probe: { target: 'agent' } } }] },
  'old-spellings': {
    warnings: [
      'DEPRECATED_FIELD /states/0/id',
      'DEPRECATED_FIELD /states/0/input/task',
      'DEPRECATED_FIELD /states/0/input/agent_id',
      'DEPRECATED_FIELD /states/0/transition',
    ],
    runs: [{ output: { steps: { greet: { result: 'Done: ' } }, done: true }, path: ['greet', 'done'] }],
  },
};

const people: Record<string, ExampleExpectation> = {
  'approval-quorum': {
    runs: [
      {
        input: { service: 'shop' },
        during: [
          { approve: 'ask', as: 'user:alice', refused: 'REQUESTER_NOT_ALLOWED' },
          { approve: 'ask', as: 'user:mallory', refused: 'APPROVER_NOT_ALLOWED' },
          { approve: 'ask', as: 'user:bob' },
          { approve: 'ask', as: 'user:bob', refused: 'APPROVER_ALREADY_COUNTED' },
          { approve: 'ask', as: 'user:dave', comment: 'sale today' },
        ],
        output: { by: 'user:dave', why: 'sale today' },
      },
    ],
  },
  'approval-form-data': {
    runs: [
      {
        during: [{ approve: 'ask', as: 'user:alice', data: { replicas: 4 } }],
        output: { replicas: 4 },
        path: ['ask', 'choose', 'scale'],
      },
      { during: [{ approve: 'ask', as: 'user:bob', data: { replicas: 40 } }], output: { replicas: 10 } },
      {
        during: [{ approve: 'ask', as: 'user:bob' }],
        status: 'FAILED',
        error: 'EXPRESSION_ERROR',
        path: ['ask', 'choose'],
      },
    ],
  },
  'approval-reject-cancels': {
    runs: [
      {
        during: [{ reject: 'ask', as: 'user:bob' }],
        status: 'CANCELLED',
        steps: { ask: { status: 'FAILED' } },
      },
      {
        during: [{ approve: 'ask', as: 'user:bob' }],
        output: { steps: { ask: { approved: true, data: null } } },
      },
    ],
  },
  'approval-reject-fails': {
    runs: [
      {
        during: [
          { reject: 'ask', as: 'user:carol', refused: 'APPROVER_NOT_ALLOWED' },
          { reject: 'ask', as: 'user:bob' },
        ],
        status: 'FAILED',
        error: 'APPROVAL_REJECTED',
      },
    ],
  },
  'approval-reject-caught': {
    runs: [
      {
        during: [{ reject: 'ask', as: 'user:bob', comment: 'not now' }],
        output: { done: 'nothing', because: 'user:bob rejected the approval: not now' },
      },
      { during: [{ approve: 'ask', as: 'user:bob' }], output: { done: 'restarted' } },
    ],
  },
  'approval-expires': {
    runs: [{ output: 'paged', steps: { ask: { status: 'TIMED_OUT', error: { code: 'APPROVAL_EXPIRED' } } } }],
  },
  'signal-payload': {
    runs: [
      {
        during: [
          { signal: 'build.finished', payload: 7, at: 'wait_for_build', refused: 'SIGNAL_PAYLOAD_INVALID' },
          { signal: 'build.finished', payload: { commit: 'c0ffee' } },
        ],
        output: 'c0ffee',
      },
      { input: { patience: 'none' }, output: 'none', path: ['how_long', 'hardly_wait', 'no_build'] },
    ],
  },
  'signal-kept': {
    runs: [
      {
        during: [{ signal: 'details', payload: [1, 2], at: 'first' }, { signal: 'go' }],
        output: { go: null, details: [1, 2] },
      },
    ],
  },
  'wait-seconds': { runs: [{ output: { done: true }, path: ['pause', 'done'] }] },
  'wait-until': {
    runs: [
      { input: { notBefore: '2020-01-31T12:00:00+01:00' }, output: 'after 2020-01-31T12:00:00+01:00' },
      { input: { notBefore: 'tomorrow' }, refused: 'INVALID_INPUT' },
    ],
  },
};

const choices: Record<string, ExampleExpectation> = {
  'switch-data-path': {
    runs: [
      { input: { metrics: { error_rate: 0.9, window: '5m' } }, output: 'page' },
      { input: { metrics: { error_rate: 0.2, window: '5m' } }, output: 'ticket' },
      { input: { metrics: { error_rate: 0.2, window: '1h' } }, output: 'none' },
    ],
  },
  'switch-no-match': {
    runs: [
      { input: { environment: 'canary' }, output: { gone: true } },
      { input: { environment: 'dev' }, status: 'FAILED', error: 'NO_MATCHING_CONDITION' },
    ],
  },
  'switch-loop': {
    warnings: ['CIRCULAR_TRANSITION /states/2'],
    runs: [
      {
        output: { tries: 3, result: 'tried 3 times' },
        path: ['begin', 'count', 'enough', 'count', 'enough', 'count', 'enough', 'finish'],
      },
    ],
  },
  'expression-names': {
    runs: [
      {
        input: { color: 'white', colors: ['red', 'pink'] },
        output: [
          { item: 'red', written: 'blue', given: 'white', by: 'dataPath' },
          { item: 'pink', written: 'blue', given: 'white', by: 'dataPath' },
        ],
      },
    ],
  },
  'expression-error': {
    runs: [
      { input: { metrics: { error_ratio: 1 } }, output: 'none' },
      {
        input: { metrics: { error_rate: 1, window: '5m' } },
        path: ['guarded', 'guarded/only/decide', 'explain'],
        steps: { 'guarded/only/decide': { status: 'FAILED', error: { code: 'EXPRESSION_ERROR' } } },
      },
    ],
  },
};

const values: Record<string, ExampleExpectation> = {
  'inject-templates': {
    runs: [
      {
        input: { count: 3, tags: ['a', 'b'] },
        output: {
          number: 4,
          list: ['a', 'b'],
          truth: true,
          nothing: null,
          object: { twice: 6 },
          text: '3 tags: ["a","b"]',
          nested: [{ first: 'a' }],
          braces: 'write {{ name }} to insert a name',
          literal: 3,
        },
      },
    ],
  },
  'transform-script': {
    runs: [
      {
        input: {
          readings: [
            { host: 'a', cpu: 1 },
            { host: 'b', cpu: 3 },
          ],
        },
        output: { total: { sum: 4, highest: 3 }, busiest: { host: 'b', share: 75 } },
      },
    ],
  },
  'result-paths': {
    runs: [
      {
        output: {
          steps: { default: 1 },
          config: { debug: true, limits: { retries: 3 } },
          'a key': { 'of-its-own': 5 },
          sum: 8,
        },
      },
    ],
  },
  'written-in-json': { warnings: ['DEFAULT_START '], runs: [{ output: { made: { format: 'json' } } }] },
};

const joins: Record<string, ExampleExpectation> = {
  'parallel-all': { runs: [{ output: { percent: 41, note: 'Done: note web-1' } }] },
  'parallel-all-fails': {
    runs: [
      {
        output: 'PROVIDER_UNAVAILABLE',
        steps: { 'look/broken/probe': { status: 'FAILED' }, 'look/slow/probe': { status: 'CANCELLED' } },
      },
    ],
  },
  'parallel-any': {
    runs: [
      {
        output: { quick: 'Done: healthy' },
        steps: { 'ask_both/slow/probe': { status: 'CANCELLED' }, ask_both: { status: 'SUCCEEDED' } },
      },
    ],
  },
  'parallel-settled': {
    runs: [
      {
        output: {
          outcomes: {
            broken: { status: 'failed', error: { code: 'PROVIDER_UNAVAILABLE' } },
            quick: { status: 'succeeded', output: 'Done: healthy' },
          },
          failed: ['broken'],
        },
      },
    ],
  },
  'parallel-max-concurrency': {
    runs: [
      {
        output: { steps: { in_order: { third: { steps: { work: { result: 'Done: third' } } } } } },
        path: ['in_order', 'in_order/first/work', 'in_order/second/work', 'in_order/third/work'],
      },
    ],
  },
  'foreach-items': {
    runs: [
      {
        input: { hosts: ['web-1', 'db-1'] },
        output: ['0: web-1 is 41 % full', '1: db-1 is 97 % full'],
      },
      { input: { hosts: [] }, output: [], path: ['check_all'] },
    ],
  },
  'foreach-tolerated-failures': {
    runs: [
      { input: { hosts: ['db-1', 'lost-1', 'web-1'] }, output: [97, null, 41] },
      {
        input: { hosts: ['lost-1', 'lost-2', 'web-1'] },
        output: 'too many hosts are lost',
        path: ['check_all', 'check_all/0/check', 'check_all/1/check', 'give_up'],
      },
    ],
  },
  'foreach-nested': {
    runs: [
      {
        input: {
          regions: [
            { name: 'eu', hosts: ['a', 'b'] },
            { name: 'us', hosts: [] },
          ],
        },
        output: [
          { size: 'eu is large', hosts: ['0-a.eu', '1-b.eu'] },
          { size: 'us is small', hosts: [] },
        ],
      },
    ],
  },
};

const wholes: Record<string, ExampleExpectation> = {
  'workflow-child': {
    runs: [
      {
        input: { hosts: ['web-1'] },
        output: { lines: 1, problem: 'NO_MATCHING_CONDITION' },
        path: ['check', 'check_strictly', 'done'],
      },
    ],
  },
  'workflow-no-wait': { runs: [{ output: { started: true } }] },
  'workflow-schemas': {
    runs: [
      { input: { name: 'Ada' }, output: { greeting: 'Hello, Ada' } },
      { input: { name: 'Ada', formal: true }, output: { greeting: 'Good day, Ada' } },
      { input: { name: 'Ada', age: 36 }, refused: 'INVALID_INPUT' },
    ],
  },
  'run-limits': {
    warnings: ['CIRCULAR_TRANSITION /states/1'],
    runs: [{ status: 'FAILED', error: 'LIMIT_EXCEEDED' }],
  },
  'run-timeout': {
    runs: [{ status: 'TIMED_OUT', error: 'RUN_TIMEOUT', steps: { wait_long: { status: 'CANCELLED' } } }],
  },
};

export const exampleTable: ReadonlyMap<string, ExampleExpectation> = new Map(
  [operations, people, choices, values, joins, wholes].flatMap((part) => Object.entries(part)),
);
