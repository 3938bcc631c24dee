/** Definitions that the tests run. */

/** A parallel of two steps, a switch, an approval, and two ends. */
export const triage = `
id: triage
version: "1.0"
name: Triage
states:
  - name: look
    type: parallel
    branches:
      - name: pods
        states:
          - { name: check_pods, type: operation, action: agent.run, input: { agent: a, task: look }, resultPath: result, end: true }
      - name: errors
        states:
          - { name: check_errors, type: operation, action: agent.run, input: { agent: b, task: "{{ ctx.service }}" }, resultPath: result, end: true }
    resultPath: found
    next: decide
  - name: decide
    type: switch
    conditions: [ { if: "ctx.urgent", next: ask } ]
    defaultNext: report
  - { name: ask, type: operation, action: human.approval, input: { message: "Go on?", approvers: ["user:alice"] }, timeoutSeconds: 60, next: report }
  - { name: report, type: operation, action: agent.run, input: { agent: a, task: report }, end: true }
start: look
`;

/** One step. */
export const single = (label = '1.0'): string => `
id: single
version: "${label}"
name: Single
start: only
states:
  - { name: only, type: operation, action: agent.run, input: { agent: a, task: work }, end: true }
`;
