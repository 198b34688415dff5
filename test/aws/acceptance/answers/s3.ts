import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetBucketLifecycleConfigurationCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketLifecycleConfigurationCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { bucketLocation } from '../resources.js'
import type { AnswerCase } from './case.js'

const Key = 'folder/an object'

/** Calls of S3's, on a bucket of their own. */
export const s3Cases: readonly AnswerCase[] = [
  {
    name: 'CreateBucket',
    ask: ({ s3, name, account }) =>
      s3.send(new CreateBucketCommand({ Bucket: name, ...bucketLocation(account.region) })),
  },
  { name: 'HeadBucket', ask: ({ s3, name }) => s3.send(new HeadBucketCommand({ Bucket: name })) },
  {
    name: 'HeadBucket missing',
    error: '',
    ask: ({ s3, name }) => s3.send(new HeadBucketCommand({ Bucket: `${name}-missing` })),
  },
  {
    name: 'PutObject',
    ask: ({ s3, name }) => s3.send(new PutObjectCommand({ Bucket: name, Key, Body: 'bytes' })),
  },
  { name: 'GetObject', ask: ({ s3, name }) => s3.send(new GetObjectCommand({ Bucket: name, Key })) },
  {
    name: 'GetObject missing',
    error: 'NoSuchKey',
    ask: ({ s3, name }) => s3.send(new GetObjectCommand({ Bucket: name, Key: 'missing' })),
  },
  {
    name: 'GetObject of a missing bucket',
    error: 'NoSuchBucket',
    ask: ({ s3, name }) => s3.send(new GetObjectCommand({ Bucket: `${name}-missing`, Key })),
  },
  { name: 'HeadObject', ask: ({ s3, name }) => s3.send(new HeadObjectCommand({ Bucket: name, Key })) },
  {
    name: 'PutObject over another',
    error: 'PreconditionFailed',
    ask: ({ s3, name }) =>
      s3.send(new PutObjectCommand({ Bucket: name, Key, Body: 'other', IfNoneMatch: '*' })),
  },
  { name: 'ListObjectsV2', ask: ({ s3, name }) => s3.send(new ListObjectsV2Command({ Bucket: name })) },
  {
    name: 'GetBucketLifecycleConfiguration missing',
    error: 'NoSuchLifecycleConfiguration',
    ask: ({ s3, name }) => s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket: name })),
  },
  {
    name: 'PutBucketLifecycleConfiguration',
    ask: ({ s3, name }) =>
      s3.send(
        new PutBucketLifecycleConfigurationCommand({
          Bucket: name,
          LifecycleConfiguration: {
            Rules: [{ ID: 'all', Status: 'Enabled', Filter: { Prefix: '' }, Expiration: { Days: 1 } }],
          },
        }),
      ),
  },
  {
    name: 'DeleteBucket with objects',
    error: 'BucketNotEmpty',
    ask: ({ s3, name }) => s3.send(new DeleteBucketCommand({ Bucket: name })),
  },
  { name: 'DeleteObject', ask: ({ s3, name }) => s3.send(new DeleteObjectCommand({ Bucket: name, Key })) },
  { name: 'DeleteBucket', ask: ({ s3, name }) => s3.send(new DeleteBucketCommand({ Bucket: name })) },
]
