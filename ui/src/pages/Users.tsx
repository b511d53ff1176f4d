import { Button, Group, Modal, PasswordInput, Select, Stack, Table, TextInput } from '@mantine/core';
import { IconMail, IconPlus } from '@tabler/icons-react';
import { useState } from 'react';

import { api, ask, type Schemas } from '../api/client';
import { useChange, useUsers } from '../api/queries';
import { t } from '../texts';
import { Invitations, InviteDialog } from '../ui/invitations';
import { Act, Confirm, Empty, Failure, Page, Rows, Shown, When, type Question } from '../ui/parts';
import { useWho } from '../who';

type Role = Schemas['RoleIn']['role'];
const ROLES: Role[] = ['viewer', 'operator', 'editor', 'admin'];
const CHOICES = ROLES.map((role) => ({ value: role, label: t.users.roles[role]! }));

export default function Users() {
  const users = useUsers();
  const who = useWho();
  const [creating, setCreating] = useState(false);
  const [inviting, setInviting] = useState(false);
  const [question, setQuestion] = useState<Question | null>(null);
  const change = useChange(
    ({ id, role }: { id: string; role: Role }) => ask(api.PUT('/api/v1/users/{id}', { params: { path: { id } }, body: { role } })),
    { fresh: ['users'], said: () => t.users.changed },
  );
  const remove = useChange((id: string) => ask(api.DELETE('/api/v1/users/{id}', { params: { path: { id } } })), {
    fresh: ['users'],
    said: () => t.users.removed,
  });
  return (
    <Page
      title={t.users.title}
      side={
        <>
          <Act needs="admin" variant="default" leftSection={<IconPlus size={16} />} onClick={() => setCreating(true)}>
            {t.users.create}
          </Act>
          <Act needs="admin" leftSection={<IconMail size={16} />} onClick={() => setInviting(true)}>
            {t.users.invite}
          </Act>
        </>
      }
    >
      <Shown of={users}>
        {(data) =>
          data.length === 0 ? (
            <Empty title={t.users.empty} />
          ) : (
            <Rows label={t.users.title} head={[t.users.email, t.users.role, t.users.created, '']}>
              {data.map((user) => (
                <Table.Tr key={user.id}>
                  <Table.Td>{user.email}</Table.Td>
                  <Table.Td>
                    <Select
                      aria-label={`${t.users.role} ${user.email}`}
                      miw={220}
                      allowDeselect={false}
                      disabled={user.email === who.name}
                      value={user.role}
                      onChange={(role) => role && change.mutate({ id: user.id, role: role as Role })}
                      data={user.role === 'other' ? [...CHOICES, { value: 'other', label: t.users.roles.other!, disabled: true }] : CHOICES}
                    />
                  </Table.Td>
                  <Table.Td>
                    <When at={user.created} />
                  </Table.Td>
                  <Table.Td>
                    <Act
                      needs="admin"
                      size="compact-sm"
                      variant="default"
                      disabled={user.email === who.name}
                      onClick={() =>
                        setQuestion({
                          title: `${t.remove} ${user.email}`,
                          text: t.users.removeAsk(user.email),
                          yes: t.remove,
                          danger: true,
                          act: () => remove.mutate(user.id),
                        })
                      }
                    >
                      {t.remove}
                    </Act>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Rows>
          )
        }
      </Shown>
      <Invitations />
      <InviteDialog key={String(inviting)} opened={inviting} close={() => setInviting(false)} roles={CHOICES} />
      <Modal opened={creating} onClose={() => setCreating(false)} title={t.users.create} closeButtonProps={{ 'aria-label': t.close }}>
        <UserForm close={() => setCreating(false)} />
      </Modal>
      <Confirm question={question} close={() => setQuestion(null)} />
    </Page>
  );
}

function UserForm({ close }: { close: () => void }) {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const create = useChange(() => ask(api.POST('/api/v1/users', { body: { email, password, role } })), {
    fresh: ['users'],
    done: close,
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        create.mutate(undefined);
      }}
    >
      <Stack>
        {create.error && <Failure error={create.error} />}
        <TextInput label={t.users.email} type="email" required data-autofocus value={email} onChange={(e) => setEmail(e.currentTarget.value)} />
        <PasswordInput
          label={t.users.password}
          description={t.users.passwordAbout}
          required
          minLength={8}
          autoComplete="new-password"
          value={password}
          onChange={(e) => setPassword(e.currentTarget.value)}
        />
        <Select label={t.users.role} allowDeselect={false} value={role} onChange={(value) => value && setRole(value as Role)} data={CHOICES} />
        <Group justify="flex-end">
          <Button type="submit" loading={create.isPending}>
            {t.users.create}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
