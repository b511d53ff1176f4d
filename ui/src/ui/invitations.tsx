// Invitations: made with a link that is shown once, listed, withdrawn.
import { Alert, Button, Code, CopyButton, Group, Modal, Select, Stack, Table, Text, TextInput, Title } from '@mantine/core';
import { useState } from 'react';

import { api, ask, type Schemas } from '../api/client';
import { useChange, useInvitations } from '../api/queries';
import { t } from '../texts';
import { Act, Confirm, Failure, Rows, Shown, State, useNow, When, type Question } from './parts';

type Role = Schemas['RoleIn']['role'];

export function InviteDialog({ opened, close, roles }: { opened: boolean; close: () => void; roles: { value: string; label: string }[] }) {
  return (
    <Modal opened={opened} onClose={close} title={t.users.inviteTitle} closeButtonProps={{ 'aria-label': t.close }}>
      <InviteForm roles={roles} close={close} />
    </Modal>
  );
}

function InviteForm({ roles, close }: { roles: { value: string; label: string }[]; close: () => void }) {
  const [email, setEmail] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const invite = useChange(() => ask(api.POST('/api/v1/invitations', { body: { email, role } })), { fresh: ['invitations'] });
  if (invite.data) {
    const link = `${window.location.origin}/join#${invite.data.secret}`;
    return (
      <Stack>
        <Alert color="blue">{t.users.inviteLink}</Alert>
        <Code block style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>
          {link}
        </Code>
        <Group justify="flex-end">
          <CopyButton value={link}>
            {({ copied, copy }) => (
              <Button variant="default" onClick={copy}>
                {copied ? t.copied : t.copy}
              </Button>
            )}
          </CopyButton>
          <Button onClick={close}>{t.close}</Button>
        </Group>
      </Stack>
    );
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        invite.mutate(undefined);
      }}
    >
      <Stack>
        <Text size="sm">{t.users.inviteAbout}</Text>
        {invite.error && <Failure error={invite.error} />}
        <TextInput label={t.users.email} type="email" required data-autofocus value={email} onChange={(event) => setEmail(event.currentTarget.value)} />
        <Select label={t.users.role} allowDeselect={false} value={role} onChange={(value) => value && setRole(value as Role)} data={roles} />
        <Group justify="flex-end">
          <Button type="submit" loading={invite.isPending}>
            {t.users.invite}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

export function Invitations() {
  const invitations = useInvitations();
  const now = useNow();
  const [question, setQuestion] = useState<Question | null>(null);
  const withdraw = useChange((id: string) => ask(api.DELETE('/api/v1/invitations/{id}', { params: { path: { id } } })), {
    fresh: ['invitations'],
    said: () => t.users.withdrawn,
  });
  return (
    <Stack gap="xs" component="section" aria-label={t.users.invitations}>
      <Title order={2} size="h5">
        {t.users.invitations}
      </Title>
      <Shown of={invitations} rows={1}>
        {(data) =>
          data.length === 0 ? (
            <Text size="sm">{t.users.noInvitations}</Text>
          ) : (
            <Rows label={t.users.invitations} head={[t.users.email, t.users.role, t.users.by, t.users.created, t.users.expires, '']}>
              {data.map((one) => (
                <Table.Tr key={one.id}>
                  <Table.Td>{one.email}</Table.Td>
                  <Table.Td>{one.role}</Table.Td>
                  <Table.Td>{one.by}</Table.Td>
                  <Table.Td>
                    <When at={one.created} />
                  </Table.Td>
                  <Table.Td>{one.expires > now ? <When at={one.expires} /> : <State of="failed" text={t.users.ranOut} />}</Table.Td>
                  <Table.Td>
                    <Act
                      needs="admin"
                      size="compact-sm"
                      variant="default"
                      onClick={() =>
                        setQuestion({
                          title: t.users.withdraw,
                          text: t.users.withdrawAsk(one.email),
                          yes: t.users.withdraw,
                          danger: true,
                          act: () => withdraw.mutate(one.id),
                        })
                      }
                    >
                      {t.users.withdraw}
                    </Act>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Rows>
          )
        }
      </Shown>
      <Confirm question={question} close={() => setQuestion(null)} />
    </Stack>
  );
}
