import type { EventPattern } from '../../../src/index.js'

/** A pattern, an event, and whether AWS documents that the one matches the other. */
export type Case = readonly [pattern: EventPattern, event: unknown, matches: boolean]

/** The event of AWS's page on event patterns, with what its page on operators has besides. */
const EC2 = {
  version: '0',
  id: '6a7e8feb-b491-4cf7-a9f1-bf3703467718',
  'detail-type': 'EC2 Instance State-change Notification',
  source: 'aws.ec2',
  account: '111122223333',
  time: '2017-12-22T18:43:48Z',
  region: 'us-west-1',
  resources: ['arn:aws:ec2:us-west-1:123456789012:instance/i-1234567890abcdef0'],
  detail: {
    'instance-id': 'i-1234567890abcdef0',
    state: 'terminated',
    'c-count': 5,
    'd-count': 3,
    'x-limit': 301.8,
    'source-ip': '10.0.0.33',
  },
}

const of = (pattern: EventPattern, event: unknown, matches: boolean): Case => [pattern, event, matches]
/** Cases of one field. */
const field = (values: EventPattern[string], cases: readonly (readonly [unknown, boolean])[]): Case[] =>
  cases.map(([value, matches]) => [{ field: values }, { field: value }, matches])
const ec2 = (pattern: EventPattern, matches: boolean): Case => [pattern, EC2, matches]
const detail = (pattern: EventPattern, matches: boolean): Case => [{ detail: pattern }, EC2, matches]

/**
 * Written from AWS's pages: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html,
 * eb-create-pattern-operators.html, eb-event-patterns-arrays.html, eb-event-patterns-null-values.html; and of what these leave
 * open, https://github.com/aws/event-ruler.
 */
export const AWS_CASES: Readonly<Record<string, readonly Case[]>> = {
  'exact values': [
    ec2({ source: ['aws.ec2'] }, true),
    ec2({ source: ['aws.s3'] }, false),
    ec2({ source: ['AWS.EC2'] }, false),
    ec2({ source: ['aws.ec'] }, false),
    ec2({ source: ['aws.ec22'] }, false),
    ec2({ source: ['aws.s3', 'aws.ec2'] }, true),
    ec2({ source: ['aws.ec2'], region: ['us-west-1'] }, true),
    ec2({ source: ['aws.ec2'], region: ['eu-west-1'] }, false),
    ec2(
      { 'detail-type': ['EC2 Instance State-change Notification'], detail: { state: ['terminated'] } },
      true,
    ),
    ec2({ 'detail-type': ['EC2 Instance State-change Notification'], detail: { state: ['running'] } }, false),
    ec2({ detail: { state: ['initializing', 'terminated'] } }, true),
    ec2({ state: ['terminated'] }, false),
    ec2({ nothing: ['terminated'] }, false),
    ec2({ detail: ['terminated'] }, false),
    ec2({ source: { deeper: ['aws.ec2'] } }, false),
    ...field(
      [5],
      [
        [5, true],
        ['5', false],
        [5.5, false],
        [[4, 5], true],
        [null, false],
        [{ five: 5 }, false],
      ],
    ),
    ...field(
      ['5'],
      [
        ['5', true],
        [5, false],
      ],
    ),
    ...field(
      [300],
      [
        [300, true],
        [300.1, false],
      ],
    ),
    ...field(
      [true],
      [
        [true, true],
        ['true', false],
        [false, false],
        [1, false],
      ],
    ),
    ...field(
      [false],
      [
        [false, true],
        [true, false],
        [0, false],
        [null, false],
      ],
    ),
    ...field(
      ['a', 1, true, null],
      [
        ['a', true],
        [1, true],
        [true, true],
        [null, true],
        ['b', false],
        [false, false],
      ],
    ),
  ],
  'null and empty values': [
    ...field(
      [null],
      [
        [null, true],
        ['null', false],
        ['', false],
        [0, false],
        [[null], true],
        [['a'], false],
      ],
    ),
    of({ field: [null] }, {}, false),
    ...field(
      [''],
      [
        ['', true],
        [' ', false],
        [null, false],
        [['', 'a'], true],
        [[], false],
      ],
    ),
    of({ detail: { eventVersion: [''] } }, { detail: { eventVersion: '' } }, true),
    of({ detail: { responseElements: [null] } }, { detail: { responseElements: null } }, true),
  ],
  'lists in events': [
    ec2({ resources: ['arn:aws:ec2:us-west-1:123456789012:instance/i-1234567890abcdef0'] }, true),
    of({ resources: ['a', 'b'] }, { resources: ['b', 'c'] }, true),
    of({ resources: ['a', 'b'] }, { resources: ['c', 'd'] }, false),
    of({ resources: ['a', 'b'] }, { resources: [] }, false),
    of({ resources: ['a'] }, { resources: [['b'], ['a']] }, true),
    of(
      { employees: { firstName: ['Anna'] } },
      { employees: [{ firstName: 'John' }, { firstName: 'Anna' }] },
      true,
    ),
    of(
      { employees: { firstName: ['Anna'] } },
      { employees: [[{ firstName: 'John' }], [{ firstName: 'Anna' }]] },
      true,
    ),
    of(
      { employees: { firstName: ['Anna'], lastName: ['Smith'] } },
      {
        employees: [
          { firstName: 'Anna', lastName: 'Smith' },
          { firstName: 'Peter', lastName: 'Jones' },
        ],
      },
      true,
    ),
    of(
      { employees: { firstName: ['Anna'], lastName: ['Jones'] } },
      {
        employees: [
          { firstName: 'Anna', lastName: 'Smith' },
          { firstName: 'Peter', lastName: 'Jones' },
        ],
      },
      false,
    ),
    of({ employees: { firstName: ['Anna'] } }, { employees: [] }, false),
    of({ list: [{ prefix: 'b' }] }, { list: ['abc', 'bcd'] }, true),
    of({ list: [{ 'anything-but': 'a' }] }, { list: ['a'] }, false),
    of({ list: [{ 'anything-but': 'a' }] }, { list: ['a', 'b'] }, true),
    of({ list: [{ 'anything-but': 'a' }] }, { list: [] }, false),
  ],
  prefix: [
    ec2({ time: [{ prefix: '2017-12-22' }] }, true),
    ec2({ time: [{ prefix: '2017-10-02' }] }, false),
    ec2({ region: [{ prefix: 'us-' }] }, true),
    ec2({ region: [{ prefix: 'US-' }] }, false),
    ec2({ region: [{ prefix: 'us-west-1' }] }, true),
    ec2({ region: [{ prefix: 'us-west-1b' }] }, false),
    ec2({ region: [{ prefix: '' }] }, true),
    ec2({ region: [{ prefix: 'eu-' }, { prefix: 'us-' }] }, true),
    ...field(
      [{ prefix: '1' }],
      [
        [1, false],
        [12, false],
        ['12', true],
        [true, false],
        [null, false],
      ],
    ),
    of({ service: [{ prefix: { 'equals-ignore-case': 'EventB' } }] }, { service: 'eventbridge' }, true),
    of({ service: [{ prefix: { 'equals-ignore-case': 'eventb' } }] }, { service: 'EVENTBRIDGE' }, true),
    of({ service: [{ prefix: { 'equals-ignore-case': 'eventb' } }] }, { service: 'Event' }, false),
  ],
  suffix: [
    of({ FileName: [{ suffix: '.png' }] }, { FileName: 'a.png' }, true),
    of({ FileName: [{ suffix: '.png' }] }, { FileName: 'a.PNG' }, false),
    of({ FileName: [{ suffix: '.png' }] }, { FileName: 'png' }, false),
    of({ FileName: [{ suffix: '.png' }] }, { FileName: '.png.gif' }, false),
    of({ FileName: [{ suffix: '.png' }] }, { FileName: 5 }, false),
    of({ service: [{ suffix: { 'equals-ignore-case': 'tBridge' } }] }, { service: 'EventBridge' }, true),
    of({ service: [{ suffix: { 'equals-ignore-case': 'tBridge' } }] }, { service: 'EVENTBRIDGE' }, true),
    of({ service: [{ suffix: { 'equals-ignore-case': 'tBridge' } }] }, { service: 'eventbridges' }, false),
    ec2({ source: [{ suffix: 'ec2' }] }, true),
  ],
  'equals-ignore-case': [
    of({ Name: [{ 'equals-ignore-case': 'alice' }] }, { Name: 'Alice' }, true),
    of({ Name: [{ 'equals-ignore-case': 'ALICE' }] }, { Name: 'alice' }, true),
    of({ Name: [{ 'equals-ignore-case': 'alice' }] }, { Name: 'alicea' }, false),
    ec2({ 'detail-type': [{ 'equals-ignore-case': 'ec2 instance state-change notification' }] }, true),
    ...field(
      [{ 'equals-ignore-case': '' }],
      [
        ['', true],
        [null, false],
      ],
    ),
    ...field(
      [{ 'equals-ignore-case': 'true' }],
      [
        [true, false],
        ['TRUE', true],
      ],
    ),
  ],
  'anything-but': [
    detail({ state: [{ 'anything-but': 'initializing' }] }, true),
    detail({ state: [{ 'anything-but': 'terminated' }] }, false),
    detail({ 'x-limit': [{ 'anything-but': 123 }] }, true),
    detail({ 'x-limit': [{ 'anything-but': 301.8 }] }, false),
    detail({ 'x-limit': [{ 'anything-but': '301.8' }] }, true),
    detail({ state: [{ 'anything-but': ['stopped', 'overloaded'] }] }, true),
    detail({ state: [{ 'anything-but': ['stopped', 'terminated'] }] }, false),
    detail({ 'c-count': [{ 'anything-but': [100, 200, 300] }] }, true),
    detail({ 'c-count': [{ 'anything-but': [100, 5] }] }, false),
    detail({ missing: [{ 'anything-but': 'initializing' }] }, false),
    ...field(
      [{ 'anything-but': 'a' }],
      [
        [null, true],
        [true, true],
        ['', true],
        [{ a: 'b' }, false],
      ],
    ),
    detail({ state: [{ 'anything-but': { 'equals-ignore-case': 'TERMINATED' } }] }, false),
    detail({ state: [{ 'anything-but': { 'equals-ignore-case': 'initializing' } }] }, true),
    detail({ state: [{ 'anything-but': { 'equals-ignore-case': ['initializing', 'Terminated'] } }] }, false),
    detail({ state: [{ 'anything-but': { 'equals-ignore-case': ['initializing', 'stopped'] } }] }, true),
    ec2({ region: [{ 'anything-but': { prefix: 'us-' } }] }, false),
    ec2({ region: [{ 'anything-but': { prefix: 'eu-' } }] }, true),
    ec2({ region: [{ 'anything-but': { prefix: ['eu-', 'us-'] } }] }, false),
    ec2({ region: [{ 'anything-but': { prefix: ['eu-', 'ap-'] } }] }, true),
    of({ FileName: [{ 'anything-but': { suffix: '.txt' } }] }, { FileName: 'a.txt' }, false),
    of({ FileName: [{ 'anything-but': { suffix: '.txt' } }] }, { FileName: 'a.png' }, true),
    of({ FileName: [{ 'anything-but': { suffix: ['.txt', '.png'] } }] }, { FileName: 'a.png' }, false),
    of({ FileName: [{ 'anything-but': { suffix: ['.txt', '.rtf'] } }] }, { FileName: 'a.png' }, true),
    of({ FilePath: [{ 'anything-but': { wildcard: '*/lib/*' } }] }, { FilePath: 'a/lib/b' }, false),
    of({ FilePath: [{ 'anything-but': { wildcard: '*/lib/*' } }] }, { FilePath: 'a/bin/b' }, true),
    of(
      { FilePath: [{ 'anything-but': { wildcard: ['*/lib/*', '*/bin/*'] } }] },
      { FilePath: 'a/bin/b' },
      false,
    ),
    of(
      { FilePath: [{ 'anything-but': { wildcard: ['*/lib/*', '*/bin/*'] } }] },
      { FilePath: 'a/dir/b' },
      true,
    ),
    of({ FilePath: [{ 'anything-but': { prefix: 'a' } }] }, { FilePath: 5 }, true),
  ],
  numeric: [
    detail({ 'c-count': [{ numeric: ['>', 0, '<=', 5] }] }, true),
    detail({ 'c-count': [{ numeric: ['>', 0, '<', 5] }] }, false),
    detail({ 'd-count': [{ numeric: ['<', 10] }] }, true),
    detail({ 'd-count': [{ numeric: ['<', 3] }] }, false),
    detail({ 'x-limit': [{ numeric: ['=', 3.018e2] }] }, true),
    detail({ 'x-limit': [{ numeric: ['=', 301] }] }, false),
    ...field(
      [{ numeric: ['=', 100] }],
      [
        [100, true],
        ['100', false],
        [null, false],
        [[99, 100], true],
      ],
    ),
    ...field(
      [{ numeric: ['>', 10, '<=', 20] }],
      [
        [10, false],
        [10.000001, true],
        [20, true],
        [20.1, false],
      ],
    ),
    ...field(
      [{ numeric: ['>=', -5, '<', 0] }],
      [
        [-5, true],
        [-5.1, false],
        [0, false],
        [-0.000001, true],
      ],
    ),
    ...field(
      [{ numeric: ['<', 0] }, { numeric: ['>', 100] }],
      [
        [-1, true],
        [101, true],
        [50, false],
      ],
    ),
  ],
  cidr: [
    detail({ 'source-ip': [{ cidr: '10.0.0.0/24' }] }, true),
    detail({ 'source-ip': [{ cidr: '10.0.1.0/24' }] }, false),
    detail({ 'source-ip': [{ cidr: '10.0.0.0/8' }] }, true),
    ...field(
      [{ cidr: '10.0.0.0/24' }],
      [
        ['10.0.0.0', true],
        ['10.0.0.255', true],
        ['10.0.1.0', false],
        ['9.255.255.255', false],
        ['10.0.0', false],
        ['host', false],
        [10, false],
      ],
    ),
    ...field(
      [{ cidr: '10.0.0.33/32' }],
      [
        ['10.0.0.33', true],
        ['10.0.0.34', false],
      ],
    ),
    ...field(
      [{ cidr: '0.0.0.0/0' }],
      [
        ['255.1.2.3', true],
        ['::1', false],
      ],
    ),
    ...field(
      [{ cidr: '2001:db8::/32' }],
      [
        ['2001:db8::1', true],
        ['2001:db9::1', false],
        ['10.0.0.1', false],
      ],
    ),
  ],
  exists: [
    detail({ 'c-count': [{ exists: true }] }, true),
    detail({ 'c-count': [{ exists: false }] }, false),
    detail({ missing: [{ exists: true }] }, false),
    detail({ missing: [{ exists: false }] }, true),
    ec2({ missing: { deeper: [{ exists: false }] } }, true),
    ec2({ detail: [{ exists: true }] }, false),
    ec2({ detail: [{ exists: false }] }, true),
    of({ detail: { 'c-count': [{ exists: false }] } }, { detail: { 'c-count': { c1: 100 } } }, true),
    of({ detail: { 'c-count': [{ exists: true }] } }, { detail: { 'c-count': { c1: 100 } } }, false),
    ...field(
      [{ exists: true }],
      [
        [null, true],
        ['', true],
        [false, true],
        [0, true],
        [[1], true],
        [[], false],
      ],
    ),
    ...field(
      [{ exists: false }],
      [
        [null, false],
        ['', false],
        [[], true],
        [{}, true],
      ],
    ),
    of({ field: ['a', { exists: false }] }, {}, true),
    of({ field: ['a', { exists: false }] }, { field: 'a' }, true),
    of({ field: ['a', { exists: false }] }, { field: 'b' }, false),
    of({ list: { a: [{ exists: false }] } }, { list: [{ a: 1 }, { b: 2 }] }, false),
    of({ list: { a: [{ exists: false }] } }, { list: [] }, true),
  ],
  wildcard: [
    of({ FilePath: [{ wildcard: 'dir/*.png' }] }, { FilePath: 'dir/a.png' }, true),
    of({ FilePath: [{ wildcard: 'dir/*.png' }] }, { FilePath: 'dir/sub/a.png' }, true),
    of({ FilePath: [{ wildcard: 'dir/*.png' }] }, { FilePath: 'dir/.png' }, true),
    of({ FilePath: [{ wildcard: 'dir/*.png' }] }, { FilePath: 'dir/a.gif' }, false),
    of({ FilePath: [{ wildcard: 'dir/*.png' }] }, { FilePath: 'a/dir/a.png' }, false),
    of({ path: [{ wildcard: '*' }] }, { path: '' }, true),
    of({ path: [{ wildcard: '*' }] }, { path: 5 }, false),
    of({ path: [{ wildcard: 'abc' }] }, { path: 'abc' }, true),
    of({ path: [{ wildcard: 'abc' }] }, { path: 'abcd' }, false),
    of({ path: [{ wildcard: 'a*b*c' }] }, { path: 'abc' }, true),
    of({ path: [{ wildcard: 'a*b*c' }] }, { path: 'a--b--b--c' }, true),
    of({ path: [{ wildcard: 'a*b*c' }] }, { path: 'acb' }, false),
    of({ path: [{ wildcard: 'ab*ba' }] }, { path: 'aba' }, false),
    of({ path: [{ wildcard: 'ab*ba' }] }, { path: 'abba' }, true),
    of({ path: [{ wildcard: 'a*aa*a' }] }, { path: 'aaa' }, false),
    of({ path: [{ wildcard: 'a*aa*a' }] }, { path: 'aaaa' }, true),
    of({ path: [{ wildcard: '2\\*2' }] }, { path: '2*2' }, true),
    of({ path: [{ wildcard: '2\\*2' }] }, { path: '222' }, false),
    of({ path: [{ wildcard: 'c:\\\\*' }] }, { path: 'c:\\windows' }, true),
    of({ path: [{ wildcard: 'a.c' }] }, { path: 'abc' }, false),
    ec2({ resources: [{ wildcard: 'arn:aws:ec2:us-west-1:*:instance/*' }] }, true),
  ],
  $or: [
    of(
      { $or: [{ Location: ['New York'] }, { Day: ['Monday'] }] },
      { Location: 'New York', Day: 'Tuesday' },
      true,
    ),
    of({ $or: [{ Location: ['New York'] }, { Day: ['Monday'] }] }, { Location: 'Rome', Day: 'Monday' }, true),
    of(
      { $or: [{ Location: ['New York'] }, { Day: ['Monday'] }] },
      { Location: 'Rome', Day: 'Tuesday' },
      false,
    ),
    detail({ $or: [{ 'c-count': [{ numeric: ['>', 10] }] }, { 'd-count': [{ numeric: ['<', 10] }] }] }, true),
    detail(
      { $or: [{ 'c-count': [{ numeric: ['>', 10] }] }, { 'd-count': [{ numeric: ['>', 10] }] }] },
      false,
    ),
    ec2(
      { source: ['aws.ec2'], $or: [{ region: ['eu-west-1'] }, { detail: { state: ['terminated'] } }] },
      true,
    ),
    ec2(
      { source: ['aws.s3'], $or: [{ region: ['us-west-1'] }, { detail: { state: ['terminated'] } }] },
      false,
    ),
    of(
      { source: ['s'], $or: [{ a: [1] }, { b: [1], $or: [{ c: [1] }, { d: [1] }] }] },
      { source: 's', b: 1, d: 1 },
      true,
    ),
    of(
      { source: ['s'], $or: [{ a: [1] }, { b: [1], $or: [{ c: [1] }, { d: [1] }] }] },
      { source: 's', b: 1 },
      false,
    ),
    of({ $or: { metric: ['cpu'] } }, { $or: { metric: 'cpu' } }, true),
    of({ $or: { metric: ['cpu'] } }, { metric: 'cpu' }, false),
  ],
  'several operators': [
    ec2(
      {
        time: [{ prefix: '2017-12-22' }],
        detail: {
          state: [{ 'anything-but': 'initializing' }],
          'c-count': [{ numeric: ['>', 0, '<=', 5] }],
          'd-count': [{ numeric: ['<', 10] }],
          'x-limit': [{ 'anything-but': [100, 200, 300] }],
          'source-ip': [{ cidr: '10.0.0.0/8' }],
        },
      },
      true,
    ),
    ec2({ region: [{ suffix: 'east-1' }, { prefix: 'us-' }, 'eu-west-1'] }, true),
    of({ constructor: { name: ['Object'] } }, {}, false),
    of({ toString: [{ exists: true }] }, {}, false),
    of({ a: ['x'] }, null, false),
    of({ a: ['x'] }, 'x', false),
    of({ a: [{ exists: false }] }, null, true),
    of({ a: ['x'] }, [{ a: 'x' }], true),
  ],
}
