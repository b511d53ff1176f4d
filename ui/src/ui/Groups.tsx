// Many messages that wait for a person, as few lines: by what they failed of, or by the user task they are at.
import { Anchor, Card, Group, Stack, Text, Textarea, Title } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { Link } from 'wouter';

import { api, ask, type Schemas } from '../api/client';
import { useCauses, useNodeCounts } from '../api/outside';
import { useChange, type PlacedWhere } from '../api/queries';
import { href } from '../lib/url';
import { t } from '../texts';
import { Act, Confirm, Failure, Shown, When, type Question } from './parts';

type Cause = Schemas['CauseOut'];
type Wish = Schemas['OperationIn'];
type Count = Schemas['NodeCountOut'];

/** Begins what is done to many in the background; the lists show how far it is. */
export function useOperation(done?: () => void) {
  return useChange((body: Wish) => ask(api.POST('/api/v1/operations', { body })), { fresh: ['operations', 'trash', 'tasks'], ...(done ? { done } : {}) });
}

export function Causes({ where, narrow }: { where: PlacedWhere; narrow: (values: Record<string, string | null>) => void }) {
  const causes = useCauses(where);
  const [question, setQuestion] = useState<(Question & { correct?: (text: string) => void }) | null>(null);
  const [correction, setCorrection] = useState('');
  const fault = correction.trim() === '' ? null : faultOf(correction);
  const begin = useOperation();
  const askFor = (cause: Cause, kind: 'resend' | 'discard') => {
    const what = t.trash.causeOf(cause.count, cause.process, cause.node_name, cause.reason ?? cause.reason_code ?? '');
    setCorrection('');
    setQuestion({
      title: kind === 'resend' ? t.trash.resendAll : t.trash.discardAll,
      text: kind === 'resend' ? t.trash.resendAsk(what) : t.trash.discardAsk(what),
      yes: kind === 'resend' ? t.trash.resendAll : t.trash.discardAll,
      danger: kind === 'discard',
      act: () => begin.mutate({ kind, filter: { process: cause.process, cause: cause.cause } }),
      ...(kind === 'resend'
        ? {
            correct: (text: string) =>
              begin.mutate({ kind, filter: { process: cause.process, cause: cause.cause }, change: { encoding: 'utf-8', merge: JSON.parse(text) as Record<string, never> } }),
          }
        : {}),
    });
  };
  const shown: Question | null = question && {
    ...question,
    act: () => (question.correct && correction.trim() !== '' ? question.correct(correction) : question.act()),
    disabled: fault !== null,
    more: question.correct && (
      <Textarea
        label={t.trash.correctFirst}
        description={t.trash.correctAbout}
        placeholder={'{"currency": "EUR"}'}
        autosize
        minRows={2}
        maxRows={12}
        spellCheck={false}
        value={correction}
        error={fault}
        onChange={(event) => setCorrection(event.currentTarget.value)}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }}
      />
    ),
  };
  return (
    <Section title={t.trash.groups}>
      {begin.error && <Failure error={begin.error} />}
      <Shown of={causes} rows={2}>
        {(data) => (
          <>
            {data.map((cause) => (
              <Line
                key={`${cause.process} ${cause.cause}`}
                title={
                  <Anchor component="button" type="button" size="sm" fw={600} ta="left" onClick={() => narrow({ process: cause.process, cause: cause.cause })}>
                    {cause.count.toLocaleString('en')} · {cause.process} {cause.versions.map((version) => `v${version}`).join(', ')} · {cause.node_name}
                  </Anchor>
                }
                about={cause.reason ?? cause.reason_code}
                when={
                  <>
                    {t.trash.entered} <When at={cause.oldest} /> · {t.trash.newest} <When at={cause.newest} />
                  </>
                }
              >
                <Act needs="operate" size="compact-sm" loading={begin.isPending} onClick={() => askFor(cause, 'resend')}>
                  {t.trash.resendAll}
                </Act>
                <Act needs="operate" size="compact-sm" variant="default" loading={begin.isPending} onClick={() => askFor(cause, 'discard')}>
                  {t.trash.discardAll}
                </Act>
              </Line>
            ))}
          </>
        )}
      </Shown>
      <Confirm question={shown} close={() => setQuestion(null)} />
    </Section>
  );
}

/** User tasks by their node; all of one can be accepted or rejected. */
export function TaskGroups({ where }: { where: PlacedWhere }) {
  const counts = useNodeCounts('tasks', { process: where.process, version: where.version });
  const [question, setQuestion] = useState<Question | null>(null);
  const begin = useOperation();
  const askFor = (count: Count, kind: 'accept' | 'reject') => {
    const what = t.tasks.of(count.count, count.process, count.version, count.node_name);
    setQuestion({
      title: kind === 'accept' ? t.tasks.acceptAll : t.tasks.rejectAll,
      text: kind === 'accept' ? t.tasks.acceptAllAsk(what) : t.tasks.rejectAllAsk(what),
      yes: kind === 'accept' ? t.tasks.acceptAll : t.tasks.rejectAll,
      danger: kind === 'reject',
      act: () => begin.mutate({ kind, filter: { process: count.process, version: count.version, node: count.node } }),
    });
  };
  return (
    <Section title={t.tasks.groups}>
      {begin.error && <Failure error={begin.error} />}
      <Shown of={counts} rows={2}>
        {(data) => (
          <>
            {data
              .filter((count) => where.node === undefined || count.node === where.node)
              .map((count) => (
                <Line
                  key={`${count.process} ${count.version} ${count.node}`}
                  title={
                    <Anchor component={Link} size="sm" fw={600} href={href('/tasks', { process: count.process, version: count.version, node: count.node })}>
                      {count.count.toLocaleString('en')} · {count.process} v{count.version} · {count.node_name}
                    </Anchor>
                  }
                  when={
                    <>
                      {t.tasks.oldest} <When at={count.oldest} />
                    </>
                  }
                >
                  <Act needs="operate" size="compact-sm" loading={begin.isPending} onClick={() => askFor(count, 'accept')}>
                    {t.tasks.acceptAll}
                  </Act>
                  <Act needs="operate" size="compact-sm" variant="default" loading={begin.isPending} onClick={() => askFor(count, 'reject')}>
                    {t.tasks.rejectAll}
                  </Act>
                </Line>
              ))}
          </>
        )}
      </Shown>
      <Confirm question={question} close={() => setQuestion(null)} />
    </Section>
  );
}

function faultOf(text: string): string | null {
  try {
    const made: unknown = JSON.parse(text);
    return typeof made === 'object' && made !== null && !Array.isArray(made) ? null : t.trash.correctObject;
  } catch (error) {
    return (error as Error).message;
  }
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Stack gap="xs" component="section" aria-label={title}>
      <Title order={2} size="h5">
        {title}
      </Title>
      {children}
    </Stack>
  );
}

function Line({ title, about, when, children }: { title: ReactNode; about?: string | null; when: ReactNode; children: ReactNode }) {
  return (
    <Card withBorder padding="sm">
      <Group justify="space-between" gap="xs">
        <div style={{ minWidth: 0, flex: '1 1 280px' }}>
          {title}
          {about && (
            <Text size="sm" lineClamp={2} style={{ overflowWrap: 'anywhere' }}>
              {about}
            </Text>
          )}
          <Text size="xs" c="dimmed">
            {when}
          </Text>
        </div>
        <Group gap="xs">{children}</Group>
      </Group>
    </Card>
  );
}
