//! SQS' errors, as the JSON protocol spells them.

/// Why a call was refused. Messages follow AWS's in meaning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SqsError {
    /// No queue of that name.
    #[error("The specified queue does not exist.")]
    QueueDoesNotExist,
    /// A receipt handle that no queue gave out.
    #[error("The input receipt handle is invalid.")]
    ReceiptHandleIsInvalid,
    /// The message is not hidden, or was received again since.
    #[error("The message referred to isn't in flight.")]
    MessageNotInflight,
    /// A character that XML 1.0 does not allow.
    #[error("The message contains characters outside the allowed set.")]
    InvalidMessageContents,
    /// A batch without entries.
    #[error("The batch request doesn't contain any entries.")]
    EmptyBatchRequest,
    /// A batch of more than ten.
    #[error("Maximum number of entries per request are 10.")]
    TooManyEntriesInBatchRequest,
    /// Two entries with one id.
    #[error("Two or more batch entries in the request have the same Id.")]
    BatchEntryIdsNotDistinct,
    /// A batch of more than 1 MiB.
    #[error("The length of all the messages put together is more than the limit.")]
    BatchRequestTooLong,
    /// An attribute that queues don't have.
    #[error("Unknown Attribute {0}.")]
    InvalidAttributeName(String),
    /// An attribute value out of range.
    #[error("Invalid value for the parameter {0}.")]
    InvalidAttributeValue(String),
    /// Anything else wrong with the request.
    #[error("{0}")]
    InvalidParameter(String),
    /// A call that this queue service does not have.
    #[error("The operation {0} is not supported.")]
    UnsupportedOperation(String),
    /// [`super::Faults::outage`].
    #[error("The service is unavailable.")]
    ServiceUnavailable,
}

impl SqsError {
    /// The shape's name, for `__type`.
    pub(super) fn shape(&self) -> &'static str {
        match self {
            Self::QueueDoesNotExist => "QueueDoesNotExist",
            Self::ReceiptHandleIsInvalid => "ReceiptHandleIsInvalid",
            Self::MessageNotInflight => "MessageNotInflight",
            Self::InvalidMessageContents => "InvalidMessageContents",
            Self::EmptyBatchRequest => "EmptyBatchRequest",
            Self::TooManyEntriesInBatchRequest => "TooManyEntriesInBatchRequest",
            Self::BatchEntryIdsNotDistinct => "BatchEntryIdsNotDistinct",
            Self::BatchRequestTooLong => "BatchRequestTooLong",
            Self::InvalidAttributeName(_) => "InvalidAttributeName",
            Self::InvalidAttributeValue(_) => "InvalidAttributeValue",
            Self::InvalidParameter(_) => "InvalidParameterValue",
            Self::UnsupportedOperation(_) => "UnsupportedOperation",
            Self::ServiceUnavailable => "ServiceUnavailable",
        }
    }

    /// The older query protocol's code. The service keeps sending it in `x-amzn-query-error`, and the SDK prefers it.
    pub(super) fn code(&self) -> String {
        match self {
            Self::QueueDoesNotExist => "AWS.SimpleQueueService.NonExistentQueue".to_owned(),
            Self::MessageNotInflight
            | Self::EmptyBatchRequest
            | Self::TooManyEntriesInBatchRequest
            | Self::BatchEntryIdsNotDistinct
            | Self::BatchRequestTooLong
            | Self::UnsupportedOperation(_) => format!("AWS.SimpleQueueService.{}", self.shape()),
            other => other.shape().to_owned(),
        }
    }

    pub(super) fn is_ours(&self) -> bool {
        matches!(self, Self::ServiceUnavailable)
    }
}
