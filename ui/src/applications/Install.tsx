// One install of an application: its settings form by form, its authorization, its events and its own actions.
import { Anchor, Button, Card, Checkbox, Group, NumberInput, PasswordInput, Select, Stack, Switch, Table, Text, Textarea, TextInput, Title } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'wouter';

import { api, ask, type Schemas } from '../api/client';
import { useInstalled, type InstallKey } from '../api/outside';
import { useChange, useProcesses } from '../api/queries';
import { t } from '../texts';
import { useMay } from '../who';
import { Act, Confirm, Failure, Rows, Shown, State, type Question } from '../ui/parts';

type Installed = Schemas['InstalledOut'];
type Form = Schemas['FormOut'];
type Field = Schemas['FieldOut'];

const FRESH = ['installed', 'installs', 'applications', 'webhooks'];

export function Install({ at, close }: { at: InstallKey; close: () => void }) {
  const installed = useInstalled(at);
  return (
    <Shown of={installed} rows={6}>
      {(data) => <Details at={at} of={data} close={close} />}
    </Shown>
  );
}

function Details({ at, of, close }: { at: InstallKey; of: Installed; close: () => void }) {
  const params = { path: at };
  const may = useMay('edit');
  const [question, setQuestion] = useState<Question | null>(null);
  const turn = useChange((enabled: boolean) => ask(api.PUT('/api/v1/installs/{worker}/{application}/{user}/state', { params, body: { enabled } })), { fresh: FRESH });
  const remove = useChange(() => ask(api.DELETE('/api/v1/installs/{worker}/{application}/{user}', { params })), {
    fresh: FRESH,
    said: () => t.applications.uninstalled,
    done: close,
  });
  const authorize = useChange(
    () => ask(api.POST('/api/v1/installs/{worker}/{application}/{user}/authorize', { params, body: { back: window.location.href } })),
    { fresh: FRESH, done: ({ url }) => window.location.assign(url) },
  );
  return (
    <Stack>
      <Group justify="space-between">
        <Group gap="xs">
          <State of={of.authorized ? 'finished' : 'warning'} text={of.authorized ? t.applications.authorized : t.applications.notAuthorized} />
          <Text size="sm">
            {t.applications.user}: {of.user}
          </Text>
        </Group>
        <Switch label={t.applications.enabled} checked={of.enabled} disabled={!may || turn.isPending} onChange={(event) => turn.mutate(event.currentTarget.checked)} />
      </Group>
      {of.application.info && <Text size="sm" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>{of.application.info}</Text>}
      {of.forms.map((form) => (
        <SettingsForm key={form.key} at={at} form={form} />
      ))}
      <Group>
        {/^oauth/i.test(of.application.authorization) && (
          <Act needs="edit" loading={authorize.isPending} onClick={() => authorize.mutate(undefined)}>
            {t.applications.authorize}
          </Act>
        )}
        <Act
          needs="edit"
          variant="light"
          color="red"
          onClick={() =>
            setQuestion({
              title: t.applications.uninstall,
              text: t.applications.uninstallAsk(of.application.name),
              yes: t.applications.uninstall,
              danger: true,
              act: () => remove.mutate(undefined),
            })
          }
        >
          {t.applications.uninstall}
        </Act>
      </Group>
      {of.events.length > 0 && <Events at={at} of={of} />}
      {of.actions.length > 0 && <Actions at={at} of={of} />}
      <Confirm question={question} close={() => setQuestion(null)} />
    </Stack>
  );
}

const isSecret = (field: Field) => field.type === 'password';

function SettingsForm({ at, form }: { at: InstallKey; form: Form }) {
  const [values, setValues] = useState<Record<string, unknown>>(() =>
    Object.fromEntries(form.fields.filter((field) => !isSecret(field)).map((field) => [field.key, field.value])),
  );
  const [secrets, setSecrets] = useState<Record<string, string>>({});
  const may = useMay('edit');
  const save = useChange(
    async () => {
      const result = await ask(
        api.PUT('/api/v1/installs/{worker}/{application}/{user}/settings', { params: { path: at }, body: { settings: { [form.key]: values } } }),
      );
      for (const [field, password] of Object.entries(secrets)) {
        if (password) {
          await ask(
            api.PUT('/api/v1/installs/{worker}/{application}/{user}/password', { params: { path: at }, body: { form: form.key, field, password } }),
          );
        }
      }
      return result;
    },
    { fresh: FRESH, said: () => t.applications.saved, done: () => setSecrets({}) },
  );
  return (
    <Card withBorder component="section" aria-label={form.name}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate(undefined);
        }}
      >
        <Stack gap="sm">
          <Title order={3} size="h5">
            {form.name}
          </Title>
          {form.description && <Text size="sm">{form.description}</Text>}
          {save.error && <Failure error={save.error} />}
          {form.fields.map((field) => (
            <FieldInput
              key={field.key}
              field={field}
              off={!may || form.read_only || field.read_only || field.disabled}
              value={isSecret(field) ? (secrets[field.key] ?? '') : values[field.key]}
              change={(value) =>
                isSecret(field) ? setSecrets((old) => ({ ...old, [field.key]: String(value) })) : setValues((old) => ({ ...old, [field.key]: value }))
              }
            />
          ))}
          {!form.read_only && (
            <Group justify="flex-end">
              <Button type="submit" size="compact-md" loading={save.isPending} disabled={!may}>
                {t.save}
              </Button>
            </Group>
          )}
        </Stack>
      </form>
    </Card>
  );
}

function FieldInput({ field, off, value, change }: { field: Field; off: boolean; value: unknown; change: (value: unknown) => void }) {
  const usual = { label: field.label, description: field.description || undefined, disabled: off, required: field.required && !isSecret(field) };
  const text = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  if (isSecret(field)) {
    return (
      <PasswordInput
        {...usual}
        placeholder={field.value ? t.applications.secretKept : undefined}
        autoComplete="new-password"
        value={text}
        onChange={(event) => change(event.currentTarget.value)}
      />
    );
  }
  if (field.type === 'checkbox') return <Checkbox {...usual} checked={value === true || value === 'true'} onChange={(event) => change(event.currentTarget.checked)} />;
  if (field.type === 'number') return <NumberInput {...usual} value={text === '' ? '' : Number(text)} onChange={(found) => change(found === '' ? null : Number(found))} />;
  if (field.type === 'selectbox' || field.type === 'select') {
    return <Select {...usual} clearable value={text || null} onChange={change} data={field.choices.map(choiceOf)} />;
  }
  if (field.type === 'textarea') return <Textarea {...usual} autosize minRows={2} value={text} onChange={(event) => change(event.currentTarget.value)} />;
  return <TextInput {...usual} type={field.type === 'url' ? 'url' : 'text'} value={text} onChange={(event) => change(event.currentTarget.value)} />;
}

function choiceOf(choice: unknown): { value: string; label: string } {
  if (typeof choice === 'object' && choice !== null) {
    const [value, label] = 'value' in choice ? [choice.value, 'label' in choice ? choice.label : choice.value] : (Object.entries(choice)[0] ?? ['', '']);
    return { value: String(value), label: String(label) };
  }
  return { value: String(choice), label: String(choice) };
}

function Events({ at, of }: { at: InstallKey; of: Installed }) {
  const processes = useProcesses();
  const [targets, setTargets] = useState<Record<string, string | null>>({});
  const on = useChange(
    ({ event, process }: { event: string; process: string }) =>
      ask(api.PUT('/api/v1/installs/{worker}/{application}/{user}/events/{event}', { params: { path: { ...at, event } }, body: { process } })),
    { fresh: FRESH },
  );
  const off = useChange(
    (event: string) => ask(api.DELETE('/api/v1/installs/{worker}/{application}/{user}/events/{event}', { params: { path: { ...at, event } } })),
    { fresh: FRESH },
  );
  return (
    <section aria-label={t.applications.events}>
      <Title order={3} size="h5">
        {t.applications.events}
      </Title>
      <Text size="sm">{t.applications.eventsAbout}</Text>
      <Rows label={t.applications.events} head={[t.hooks.name, t.applications.process, '']}>
        {of.events.map((event) => {
          const target = targets[event.name] ?? (event.process || null);
          return (
            <Table.Tr key={event.name}>
              <Table.Td>{event.name}</Table.Td>
              <Table.Td>
                <Select
                  aria-label={`${t.applications.process} ${event.name}`}
                  searchable
                  limit={100}
                  disabled={event.enabled}
                  value={target}
                  onChange={(value) => setTargets((old) => ({ ...old, [event.name]: value }))}
                  data={(processes.data ?? []).map((each) => each.name)}
                />
              </Table.Td>
              <Table.Td>
                {event.enabled ? (
                  <Act needs="edit" size="compact-sm" variant="default" loading={off.isPending} onClick={() => off.mutate(event.name)}>
                    {t.applications.unsubscribe}
                  </Act>
                ) : (
                  <Act needs="edit" size="compact-sm" disabled={!target} loading={on.isPending} onClick={() => target && on.mutate({ event: event.name, process: target })}>
                    {t.applications.subscribe}
                  </Act>
                )}
              </Table.Td>
            </Table.Tr>
          );
        })}
      </Rows>
    </section>
  );
}

function Actions({ at, of }: { at: InstallKey; of: Installed }) {
  const start = useChange(
    (action: string) => ask(api.POST('/api/v1/installs/{worker}/{application}/{user}/actions/{action}', { params: { path: { ...at, action } }, body: {} })),
    { fresh: ['instances'], said: () => t.process.started },
  );
  return (
    <section aria-label={t.applications.actions}>
      <Title order={3} size="h5" mb="xs">
        {t.applications.actions}
      </Title>
      <Stack gap="xs">
        {of.actions.map((action) => (
          <Group key={action.name} justify="space-between">
            <Text size="sm">{action.name}</Text>
            <Act needs="start" size="compact-sm" variant="default" disabled={!action.process} onClick={() => start.mutate(action.action)}>
              {t.applications.start}
            </Act>
          </Group>
        ))}
        {start.data && (
          <Anchor component={Link} href={`/instance/${start.data.instance}`} size="sm" underline="always">
            {t.process.toInstance}
          </Anchor>
        )}
      </Stack>
    </section>
  );
}
